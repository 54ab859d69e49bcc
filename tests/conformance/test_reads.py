"""What is read without a thread is what the state store tells, on every server that it may stand on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
import redis

from registry.base_record import now
from registry.errors import LineageNotFound, MergeNotFound, StoreUnavailable, VersionNotFound
from registry.lineage import Lineage
from registry.merge import Merge, MergeState
from registry.recipe import AverageRecipe
from registry.state.interface import AsyncQueries
from registry.state.merges import new_merge_id
from registry.state.state_store import AsyncStateStore, StateStore
from registry.task import Task
from registry.version import Version, VersionReference
from standalone.valkey import EmbeddedValkey

_DIGEST = "sha256:" + "0" * 64
T = TypeVar("T")


def _read(server: EmbeddedValkey, query: Callable[[AsyncQueries], Awaitable[T]]) -> T:
    async def read() -> T:
        state = AsyncStateStore.open(server.url)
        try:
            return await query(state.queries)
        finally:
            await state.close()

    return asyncio.run(read())


@pytest.fixture
def store(server: EmbeddedValkey) -> StateStore:
    """Return a store with a lineage of three versions, made by two of its five merges."""
    store = StateStore.open(server.url)
    lineage = Lineage(name="a", base=_DIGEST, recipe=AverageRecipe(), created_at=now())
    store.lineages.create(lineage, Version(lineage="a", number=0, weights=_DIGEST, size=1, created_at=now()))
    for task in "tutut":
        merge = Merge(
            id=new_merge_id(),
            lineage="a",
            task=Task(name=task),
            recipe=AverageRecipe(),
            checkpoint=_DIGEST,
            created_at=now(),
        )
        store.merges.enqueue(merge)
    for number in (1, 2):
        claim = store.claims.claim("a", 60_000, 3)
        assert claim is not None
        store.claims.commit(claim, Version(lineage="a", number=number, weights=_DIGEST, size=1, created_at=now()))
    store.aliases.set("a", "production", 1)
    store.close()
    return store


@pytest.mark.parametrize(("word", "number"), [("a@0", 0), ("a@2", 2), ("a@latest", 2), ("a@production", 1)])
def test_a_version_is_returned_with_its_lineage(
    server: EmbeddedValkey, store: StateStore, word: str, number: int
) -> None:
    reference = VersionReference.parse(word)
    lineage, version = _read(server, lambda reads: reads.version(reference))
    assert (lineage, version) == (store.lineages.get("a"), store.versions.get(reference))
    assert version.number == number


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("word", ["a@3", "a@01", "a@staging", "b@0", "b@latest"])
def test_a_reference_to_no_version_is_not_found(server: EmbeddedValkey, word: str) -> None:
    with pytest.raises(VersionNotFound):
        _read(server, lambda reads: reads.version(VersionReference.parse(word)))


@pytest.mark.parametrize(
    ("limit", "before", "numbers"), [(2, None, [2, 1]), (2, 1, [0]), (9, 7, [2, 1, 0]), (2, 0, [])]
)
def test_versions_are_read_by_pages(
    server: EmbeddedValkey, store: StateStore, limit: int, before: int | None, numbers: list[int]
) -> None:
    lineage, versions = _read(server, lambda reads: reads.versions("a", limit, before))
    assert [version.number for version in versions] == numbers
    assert lineage == store.lineages.get("a")
    assert list(versions) == [store.versions.get(VersionReference.parse(f"a@{number}")) for number in numbers]


@pytest.mark.parametrize(
    ("limit", "below", "states", "task", "positions", "rest"),
    [
        (2, None, [], None, [5, 4], 4),
        (2, 2, [], None, [1], None),
        (9, 99, [], None, [5, 4, 3, 2, 1], None),
        (9, None, [MergeState.QUEUED], None, [5, 4, 3], None),
        (1, None, [MergeState.SUCCEEDED], "t", [1], None),
        (1, None, [], "u", [4], 4),
        (3, 1, [], None, [], None),
    ],
)
def test_merges_are_read_by_pages(
    server: EmbeddedValkey,
    store: StateStore,
    limit: int,
    below: int | None,
    states: list[MergeState],
    task: str | None,
    positions: list[int],
    rest: int | None,
) -> None:
    every = {
        merge.id: 5 - index for index, merge in enumerate(_read(server, lambda reads: reads.merges("a", 10)).merges)
    }
    result = _read(server, lambda reads: reads.merges("a", limit, below, states, task))
    assert ([every[merge.id] for merge in result.merges], result.rest) == (positions, rest)
    assert all(merge == store.merges.get(merge.id).model_copy(update={"report": None}) for merge in result.merges)


def test_a_merge_is_read_with_its_report(server: EmbeddedValkey, store: StateStore) -> None:
    merge = _read(server, lambda reads: reads.merges("a", 10)).merges[-1]
    assert _read(server, lambda reads: reads.merge(merge.id)) == store.merges.get(merge.id)
    with pytest.raises(MergeNotFound):
        _read(server, lambda reads: reads.merge(new_merge_id()))


def test_concurrent_queries_get_their_own_results(server: EmbeddedValkey, store: StateStore) -> None:
    async def ask(reads: AsyncQueries) -> list[Any]:
        words = ["a@1", "b@0", "a@latest"]
        first = [reads.version(VersionReference.parse(word)) for word in words]
        return await asyncio.gather(*first, reads.versions("a", 9), reads.merges("a", 9), return_exceptions=True)

    # The server that was emptied knows none of the scripts.
    with redis.Redis.from_url(server.url) as client:
        client.script_flush()
    one, none, latest, versions, merges = _read(server, ask)
    assert (one[1].number, latest[1].number) == (1, 2)
    assert isinstance(none, VersionNotFound)
    assert [version.number for version in versions[1]] == [2, 1, 0]
    assert [store.merges.get(merge.id).task.name for merge in merges.merges] == list("tutut")


@pytest.mark.usefixtures("store")
def test_every_pending_query_fails_when_the_server_is_unavailable(server: EmbeddedValkey) -> None:
    async def ask(reads: AsyncQueries) -> list[Any]:
        await reads.versions("a", 1)
        server.kill()
        return await asyncio.gather(*(reads.versions("a", 1) for _ in range(3)), return_exceptions=True)

    assert [type(error) for error in _read(server, ask)] == [StoreUnavailable] * 3


@pytest.mark.usefixtures("store")
def test_a_lineage_that_is_not_there_has_no_listings(server: EmbeddedValkey) -> None:
    for query in (lambda reads: reads.versions("b", 2), lambda reads: reads.merges("b", 2)):
        with pytest.raises(LineageNotFound):
            _read(server, query)
