"""Cursors: where a listing goes on. Clients hand them back and never look inside.

A cursor names a position that does not move when something new comes, so no page misses or repeats an entry.
Source: RFC 8288 (Link, `rel="next"`).
"""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import TypeVar, overload
from urllib.parse import quote, urlencode

from fastapi import Request, Response

from registry.alias import Alias
from registry.errors import InvalidRecord
from registry.lineage import Lineage

Named = TypeVar("Named", Alias, Lineage)


def write_cursor(listing: str, position: int | str) -> str:
    """The cursor of a position in a listing."""
    return base64.urlsafe_b64encode(json.dumps([listing, position]).encode()).decode().rstrip("=")


@overload
def read_cursor(listing: str, cursor: str | None, kind: type[int]) -> int | None: ...
@overload
def read_cursor(listing: str, cursor: str | None, kind: type[str]) -> str | None: ...
def read_cursor(listing: str, cursor: str | None, kind: type[int] | type[str]) -> int | str | None:
    """The position of a cursor of this listing, None without one. Raises InvalidRecord."""
    if cursor is None:
        return None
    try:
        result = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        result = None
    right = isinstance(result, list) and len(result) == 2 and result[0] == listing and type(result[1]) is kind
    if not right or (kind is int and not 0 <= result[1] < 2**53):
        raise InvalidRecord("The cursor is none of this listing: take the one that the page before it gave.")
    position: int | str = result[1]
    return position


def first(entries: Sequence[Named], after: str, limit: int) -> tuple[Sequence[Named], bool]:
    """The entries after a name, at most `limit`, and whether there are more. They come sorted by name."""
    left = [entry for entry in entries if entry.name > after]
    return left[:limit], len(left) > limit


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Say in Link where the listing goes on: the same query with another cursor."""
    if cursor is not None:
        query = [item for item in request.query_params.multi_items() if item[0] != "cursor"]
        position = f"{quote(request.scope['path'])}?{urlencode([*query, ('cursor', cursor)])}"
        response.headers["Link"] = f'<{position}>; rel="next"'
