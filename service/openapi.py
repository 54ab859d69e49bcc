"""The OpenAPI document: what FastAPI derives, and the bodies that routes read as streams and so cannot declare."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from registry.lineage import LineageSpec
from service.schemas import MergeRequest, Problem

_REF = "#/components/schemas/{model}"
_UNDECLARED = (MergeRequest, LineageSpec, Problem)


def reference(name: str) -> dict[str, str]:
    """A reference to one of the document's schemas."""
    return {"$ref": _REF.format(model=name)}


def install(app: FastAPI) -> None:
    """Make the document complete: every reference in it has a schema."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _, undeclared = models_json_schema([(model, "validation") for model in _UNDECLARED], ref_template=_REF)
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for name, schema in undeclared.get("$defs", {}).items():
                schemas.setdefault(name, schema)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
