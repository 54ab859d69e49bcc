"""How a route's problems are documented: the classes that it may raise, by the table of `service/http/problems.py`."""

from typing import Any

from registry.errors import InvalidRecord, NotAllowed, NotAuthenticated, OdemError, StoreUnavailable, TooManyRequests
from service.http.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES
from service.http.response_headers import headers
from service.operations.openapi import reference
from service.schemas import Problem

_ALWAYS = (NotAuthenticated, NotAllowed, TooManyRequests, InvalidRecord, StoreUnavailable, OdemError)
"""What any route may answer: a key that will not do or is too fast, a request that says something impossible, a store
that is away, a mistake of ours."""

_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 416: ("Content-Range",), 503: ("Retry-After",)}


Responses = dict[int | str, dict[str, Any]]
"""OpenAPI's `responses`, as FastAPI takes them: status -> what is answered."""


def problems(*what: type[OdemError] | int) -> Responses:
    """OpenAPI's `responses` for these errors and those that every route may answer; a status means all that have it."""
    found: dict[int, list[type[OdemError]]] = {}
    for item in (*what, *_ALWAYS):
        classes = (
            [item] if isinstance(item, type) else [error for error in PROBLEM_TYPES if PROBLEM_TYPES[error][0] == item]
        )
        for error in classes:
            same = found.setdefault(PROBLEM_TYPES[error][0], [])
            if error not in same:
                same.append(error)
    return {status: _response(status, classes) for status, classes in sorted(found.items())}


def _response(status: int, classes: list[type[OdemError]]) -> dict[str, Any]:
    answers = [PROBLEM_TYPES[error] for error in classes]
    examples = {kind: {"$ref": f"#/components/examples/{kind}"} for _, kind, _ in answers}
    content = {PROBLEM_MEDIA_TYPE: {"schema": reference(Problem.__name__), "examples": examples}}
    description = "; ".join(title for _, _, title in answers) + "."
    found: dict[str, Any] = {"description": description, "content": content}
    return found | (headers(*_HEADERS[status]) if status in _HEADERS else {})
