"""OpenAPI documentation of problem responses, from the table of problem types."""

from collections.abc import Iterable
from typing import Any

from registry.errors import OdemError
from service.http.openapi_refs import reference
from service.http.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES, Problem
from service.http.response_headers import headers

_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 416: ("Content-Range",), 503: ("Retry-After",)}

Responses = dict[int | str, dict[str, Any]]
"""OpenAPI's `responses` as FastAPI takes them: status -> description, content, headers."""


def problem_responses(errors: Iterable[type[OdemError]]) -> Responses:
    """The documented responses to these errors, one per status."""
    result: dict[int, dict[str, str]] = {}
    for error in errors:
        status, kind, title = PROBLEM_TYPES[error]
        result.setdefault(status, {})[kind] = title
    return {status: _response(status, titles) for status, titles in sorted(result.items())}


def _response(status: int, titles: dict[str, str]) -> dict[str, Any]:
    examples = {kind: {"$ref": f"#/components/examples/{kind}"} for kind in titles}
    content = {PROBLEM_MEDIA_TYPE: {"schema": reference(Problem), "examples": examples}}
    names = _HEADERS.get(status, ())
    if "idempotency-key-busy" in titles:
        names = ("Retry-After",)
    return {"description": "; ".join(titles.values()) + ".", "content": content} | (headers(*names) if names else {})
