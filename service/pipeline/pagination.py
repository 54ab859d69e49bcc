"""Pages of listings: the parameters `limit` and `cursor`, and the Link to the next page.

A cursor names a position that does not move when new entries arrive, so no page misses or repeats an entry. Clients
return cursors and do not interpret them. Source: RFC 8288 (Link, `rel="next"`).
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import quote, urlencode

from fastapi import Depends, Query, Request, Response

from registry.alias import Alias
from registry.errors import InvalidRecord
from registry.lineage import Lineage
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.pipeline.dependencies import Settings

Named = TypeVar("Named", Alias, Lineage)
Position = TypeVar("Position", int, str)
PAGE: Responses = {200: {"description": "A page."} | headers("Link")}


@dataclass(frozen=True)
class Page:
    """The page that a request asks for. size: maximum number of entries."""

    size: int
    cursor: str | None
    request: Request
    response: Response

    def position(self, listing: str, kind: type[Position]) -> Position | None:
        """The position in this listing after which the page starts; None on the first page. Raises InvalidRecord."""
        if self.cursor is None:
            return None
        padded = self.cursor + "=" * (-len(self.cursor) % 4)
        try:
            decoded = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError, RecursionError):
            decoded = None
        match decoded:
            case [str(name), int() | str() as position] if name == listing and type(position) is kind:
                if isinstance(position, str) or 0 <= position < 2**53:
                    return position
        raise InvalidRecord("The cursor belongs to another listing: use the one from the page before.")

    def link_next(self, listing: str, position: int | str | None) -> str | None:
        """The cursor of the page after `position`, which the response's Link names too; None after the last page."""
        if position is None:
            return None
        cursor = base64.urlsafe_b64encode(json.dumps([listing, position]).encode()).decode().rstrip("=")
        query = [item for item in self.request.query_params.multi_items() if item[0] != "cursor"]
        target = f"{quote(self.request.scope['path'])}?{urlencode([*query, ('cursor', cursor)])}"
        self.response.headers["Link"] = f'<{target}>; rel="next"'
        return cursor

    def by_name(self, listing: str, entries: Sequence[Named]) -> tuple[Sequence[Named], str | None]:
        """The page of entries that are sorted by name, and the cursor of the next page."""
        after = self.position(listing, str) or ""
        left = [entry for entry in entries if entry.name > after]
        last = left[self.size - 1].name if len(left) > self.size else None
        return left[: self.size], self.link_next(listing, last)


async def _requested_page(
    request: Request,
    response: Response,
    settings: Settings,
    limit: Annotated[int | None, Query(ge=1, le=1000, description="Page size; ODEM_PAGE_SIZE by default.")] = None,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")] = None,
) -> Page:
    return Page(limit or settings.page_size, cursor, request, response)


RequestedPage = Annotated[Page, Depends(_requested_page)]
