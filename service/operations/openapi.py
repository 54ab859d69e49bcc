"""The OpenAPI document: FastAPI's, with the models that streamed bodies and problems refer to, and examples."""

import json
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from registry import errors
from registry.lineage import LineageSpec
from service.http.openapi_refs import referenced_models
from service.http.problems import PROBLEM_TYPES
from service.pipeline.error_handlers import problem_for
from service.pipeline.route_docs import SECURITY_SCHEMES


def install(app: FastAPI) -> None:
    """Make `app.openapi()` return a document in which every reference has a target."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    models = [(model, "validation") for model in (LineageSpec, *referenced_models())]
    _, extra = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    components = document.setdefault("components", {})
    for name, schema in extra.get("$defs", {}).items():
        if name.endswith("Recipe"):  # as requests write it; in responses pydantic declares an arbitrary object
            components["schemas"][name] = schema
        components.setdefault("schemas", {}).setdefault(name, schema)
    components["examples"] = _problem_examples()
    components["securitySchemes"] = SECURITY_SCHEMES
    for path in document["paths"].values():
        for operation in path.values():
            _omit_null(operation)
    return document


def example_errors() -> list[errors.OdemError]:
    """One example of each error, from `problem_examples.json`: class name -> arguments, by position or by name."""
    text = resources.files(__package__).joinpath("problem_examples.json").read_text("utf-8")
    return [
        getattr(errors, name)(**given) if isinstance(given, dict) else getattr(errors, name)(*given)
        for name, given in json.loads(text).items()
    ]


def _problem_examples() -> dict[str, Any]:
    """Each problem by its type, as a response contains it."""
    result = {}
    for error in example_errors():
        _, kind, title = PROBLEM_TYPES[type(error)]
        result[kind] = {"summary": title, "value": json.loads(bytes(problem_for(error).body))}
    return result


def _omit_null(operation: dict[str, Any]) -> None:
    """Remove null from the types of parameters: an optional parameter is omitted, a query or header cannot be null."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            schema.update(kinds[0])
        elif kinds:
            schema["anyOf"] = kinds
