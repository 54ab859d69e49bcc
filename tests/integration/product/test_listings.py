"""Listings against the real gateway: cursors that new entries do not disturb, and filters."""

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.harness.gateway import Gateway
from registry.alias import Alias
from registry.merge import MergeState
from tests.integration.ledger.conftest import Ledger


def _pages(gateway: Gateway, path: str, field: str, **query: Any) -> list[list[dict[str, Any]]]:
    """All pages, each by the Link of the one before."""
    response = gateway.http.get(path, params=query)
    result = []
    while True:
        assert response.status_code == 200, response.text
        result.append(response.json()[field])
        link = re.fullmatch(r'<(.*)>; rel="next"', response.headers.get("link", ""))
        assert (link is None) == (response.json()["next"] is None)
        if link is None:
            return result
        response = gateway.http.get(link[1])


def test_a_listing_of_merges_is_complete_without_duplicates_while_merges_arrive(
    gateway: Gateway, books: Ledger
) -> None:
    name = f"list-{secrets.token_hex(4)}"
    books.create(name)
    there = [books.enqueue(name).id for _ in range(7)]
    seen: list[str] = []
    query: dict[str, Any] | None = {"lineage": name, "limit": 3}
    while query is not None:
        page = gateway.http.get("/merges", params=query).json()
        seen += [merge["id"] for merge in page["merges"]]
        books.enqueue(name)
        query = {"lineage": name, "limit": 3, "cursor": page["next"]} if page["next"] else None
    assert seen == there[::-1]


def test_merges_are_found_by_state_and_task(gateway: Gateway, books: Ledger) -> None:
    name = f"find-{secrets.token_hex(4)}"
    books.create(name)
    done = [books.merge(name).number for _ in range(3)]
    cancelled = books.enqueue(name)
    books.state.merges.request_cancel(cancelled.id)
    waiting = [books.enqueue(name).id for _ in range(2)]
    for query, expected in (
        ({"state": "queued"}, waiting[::-1]),
        ({"state": ["cancelled", "queued"]}, [*waiting[::-1], cancelled.id]),
        ({"state": "running"}, []),
        ({"task": "t", "state": "cancelled"}, [cancelled.id]),
        ({"task": "u"}, []),
    ):
        pages = _pages(gateway, "/merges", "merges", lineage=name, limit=1, **query)
        assert [merge["id"] for page in pages for merge in page] == expected, query
    succeeded = _pages(gateway, "/merges", "merges", lineage=name, state=MergeState.SUCCEEDED, limit=2)
    assert [merge["version"] for page in succeeded for merge in page] == [f"{name}@{number}" for number in done[::-1]]


def test_a_selective_filter_continues_where_its_scan_stopped(gateway: Gateway, books: Ledger) -> None:
    name = f"rare-{secrets.token_hex(4)}"
    books.create(name)
    first = books.enqueue(name)
    books.state.merges.request_cancel(first.id)
    for _ in range(2100):
        books.state.merges.enqueue(first.model_copy(update={"id": f"mrg_{secrets.token_hex(12)}"}))
    pages = _pages(gateway, "/merges", "merges", lineage=name, state="cancelled")
    assert [[merge["id"] for merge in page] for page in pages] == [[], [first.id]]


def test_versions_aliases_and_lineages_come_in_pages(gateway: Gateway, books: Ledger) -> None:
    name = f"pages-{secrets.token_hex(4)}"
    books.create(name)
    for _ in range(4):
        books.merge(name)
    versions = _pages(gateway, "/models", "versions", lineage=name, limit=2)
    assert [[version["number"] for version in page] for page in versions] == [[4, 3], [2, 1], [0]]
    made: list[Alias] = [books.state.aliases.set(name, alias, 1) for alias in ("a", "b", "c")]
    aliases = _pages(gateway, f"/lineages/{name}/aliases", "aliases", limit=2)
    assert [[alias["name"] for alias in page] for page in aliases] == [["a", "b"], [made[2].name]]
    lineages = [item["name"] for page in _pages(gateway, "/lineages", "lineages", limit=1) for item in page]
    assert lineages == [item.name for item in books.state.lineages.list()]


@pytest.mark.parametrize("cursor", ["x", "", "bnVsbA", "WzEsMl0", "////", "W1tbW1tb"])
@pytest.mark.parametrize("path", ["/merges", "/models", "/lineages", "/lineages/none/aliases"])
def test_a_cursor_that_is_none_is_refused(gateway: Gateway, path: str, cursor: str) -> None:
    response = gateway.http.get(path, params={"cursor": cursor})
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-document"), response.text


def test_a_cursor_belongs_to_its_listing(gateway: Gateway, books: Ledger) -> None:
    one, other = (f"own-{secrets.token_hex(4)}" for _ in range(2))
    for name in (one, other):
        books.create(name)
        for _ in range(2):
            books.enqueue(name)
    cursor = gateway.http.get("/merges", params={"lineage": one, "limit": 1}).json()["next"]
    assert gateway.http.get("/merges", params={"lineage": other, "cursor": cursor}).status_code == 422
    assert gateway.http.get("/models", params={"lineage": one, "cursor": cursor}).status_code == 422


def test_a_page_ends_after_its_bytes_and_the_listing_is_whole(
    own_gateway: Callable[..., Gateway], books: Ledger
) -> None:
    gateway, name = own_gateway(ODEM_MAX_PAGE_BYTES="2000"), f"bytes-{secrets.token_hex(4)}"
    books.create(name)
    numbers = [0, *(books.merge(name).number for _ in range(9))]
    waiting = [books.enqueue(name).id for _ in range(9)]
    versions = _pages(gateway, "/models", "versions", lineage=name, limit=1000)
    assert [item["number"] for page in versions for item in page] == numbers[::-1]
    merges = _pages(gateway, "/merges", "merges", lineage=name, limit=1000)
    assert [item["id"] for page in merges for item in page][:9] == waiting[::-1]
    assert len([item for page in merges for item in page]) == 18
    listed = _pages(gateway, "/merges", "merges", lineage=name, limit=1000, state="queued")
    assert [item["id"] for page in listed for item in page] == waiting[::-1]
    for pages in (versions, merges):
        assert len(pages) > 2
        assert max(map(len, pages)) < 9
