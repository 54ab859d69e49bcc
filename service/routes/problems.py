"""How a route's problems are documented."""

from typing import Any

from service.errors import PROBLEM_MEDIA_TYPE
from service.openapi import reference
from service.schemas import Problem

_MEANINGS = {
    400: "The body is cut off or out of order.",
    404: "There is no such thing.",
    409: "The request contradicts what is stored.",
    410: "The version was retired.",
    412: "The alias is not in the state that If-Match or If-None-Match asks for.",
    413: "A limit was passed; the detail names its setting.",
    422: "The input cannot be used; the detail says why. Nothing was stored.",
    503: "The state store does not answer; try again.",
    507: "The disk is full. Nothing was stored.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these problem statuses, with 422 and 503, which most routes may answer."""
    schema = {PROBLEM_MEDIA_TYPE: {"schema": reference(Problem.__name__)}}
    return {status: {"description": _MEANINGS[status], "content": schema} for status in sorted({*statuses, 422, 503})}
