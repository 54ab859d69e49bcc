"""References to schemas of the OpenAPI document, and the media type of safetensors bodies.

FastAPI declares the models of parameters, JSON bodies and responses. Models that occur elsewhere (in a multipart body,
an event stream, a problem) are named through `reference`, which makes `service/operations/openapi.py` declare them.
"""

from typing import Any

from pydantic import BaseModel

SAFETENSORS_MEDIA_TYPE = "application/vnd.safetensors"
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_referenced: dict[str, type[BaseModel]] = {}


def reference(model: type[BaseModel]) -> dict[str, str]:
    """A `$ref` to a model's schema."""
    _referenced[model.__name__] = model
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def referenced_models() -> tuple[type[BaseModel], ...]:
    """All models that `reference` was called with, by name."""
    return tuple(_referenced[name] for name in sorted(_referenced))


def binary_body(media_type: str = SAFETENSORS_MEDIA_TYPE, *, required: bool = True) -> dict[str, Any]:
    """An `openapi_extra` that declares a raw binary request body."""
    body = {"content": {media_type: {"schema": BINARY}}}
    return {"requestBody": body | ({"required": True} if required else {})}
