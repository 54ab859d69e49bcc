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

_PATH_PARAMETERS = {
    "name": "Name of the lineage.",
    "task": "Name of the task.",
    "alias": "Name of the alias.",
    "number": "Number of the version.",
    "webhook": "ID of the webhook.",
    "merge_id": "ID of the merge.",
    "upload_id": "ID of the upload.",
    "digest": "Digest of the blob.",
    "version": "The version: `name@3`, `name@latest`, `name@alias`; without `name@`, of the lineage `default`.",
    "a": "The first version, such as `default@2`.",
    "b": "The second version, such as `default@3`.",
}


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
    for name, schema in components["schemas"].items():
        if name.endswith("Recipe"):
            schema["properties"]["method"].setdefault("description", "Name of the merge method.")
    samples = _read("samples.json")
    for path in document["paths"].values():
        for operation in path.values():
            _describe_parameters(operation)
            _add_samples(operation, samples.get(operation["operationId"], {}))
    return document


def _read(name: str) -> Any:
    """A JSON file beside this module."""
    return json.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))


def example_errors() -> list[errors.OdemError]:
    """One example of each error, from `problem_examples.json`: class name -> arguments, by position or by name."""
    return [
        getattr(errors, name)(**given) if isinstance(given, dict) else getattr(errors, name)(*given)
        for name, given in _read("problem_examples.json").items()
    ]


def _problem_examples() -> dict[str, Any]:
    """Each problem by its type, as a response contains it."""
    result = {}
    for error in example_errors():
        _, kind, title = PROBLEM_TYPES[type(error)]
        result[kind] = {"summary": title, "value": json.loads(bytes(problem_for(error).body))}
    return result


def _add_samples(operation: dict[str, Any], samples: dict[str, Any]) -> None:
    """Add an operation's code samples (`x-codeSamples`) and the example of its successful response."""
    if code := samples.get("code"):
        operation["x-codeSamples"] = [
            {"lang": language, "source": "\n".join(lines)} for language, lines in code.items()
        ]
    if example := samples.get("response"):
        success = max(status for status in operation["responses"] if status.startswith("2"))
        operation["responses"][success]["content"]["application/json"]["example"] = example


def _describe_parameters(operation: dict[str, Any]) -> None:
    """Describe path parameters, and remove null from the types of others: an optional parameter is omitted."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter.setdefault("description", _PATH_PARAMETERS[parameter["name"]])
        schema = parameter["schema"]
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            schema.update(kinds[0])
        elif kinds:
            schema["anyOf"] = kinds
