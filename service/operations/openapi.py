"""The OpenAPI document: what FastAPI derives, the bodies that routes read as streams, and mends for generators."""

import json
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from registry.lineage import LineageSpec
from service.events.schemas import LineageEvent, MergeEvent
from service.http.problems import PROBLEM_TYPES
from service.operations.problem_examples import EXAMPLES
from service.pipeline import idempotency
from service.pipeline.error_handlers import problem_for
from service.pipeline.permissions import declare_security
from service.schemas import MergeRequest, Problem

_REF = "#/components/schemas/{model}"
_UNDECLARED = (MergeRequest, LineageSpec, Problem, MergeEvent, LineageEvent)


def reference(name: str) -> dict[str, str]:
    """A reference to one of the document's schemas."""
    return {"$ref": _REF.format(model=name)}


def install(app: FastAPI) -> None:
    """Make the document complete: every reference in it has a schema or an example."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _, undeclared = models_json_schema([(model, "validation") for model in _UNDECLARED], ref_template=_REF)
            components = document.setdefault("components", {})
            for name, schema in undeclared.get("$defs", {}).items():
                if name.endswith("Recipe"):  # shown as it was said, which pydantic takes for just any object
                    components["schemas"][name] = schema
                components.setdefault("schemas", {}).setdefault(name, schema)
            components["examples"] = _examples()
            for operation in operations(document):
                _mend(operation)
            idempotency.declare(document)
            declare_security(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of a document."""
    for path in document["paths"].values():
        yield from path.values()


def _examples() -> dict[str, Any]:
    """Each problem by its type, as the service answers it."""
    found = {}
    for error in EXAMPLES:
        _, kind, title = PROBLEM_TYPES[type(error)]
        found[kind] = {"summary": title, "value": json.loads(bytes(problem_for(error).body))}
    return found


def _mend(operation: dict[str, Any]) -> None:
    """A parameter that is optional is left out, never null: query and header have no way of saying null."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            schema.update(kinds[0])
        elif kinds:
            schema["anyOf"] = kinds
