"""Events of a lineage, on every server that a state store may stand on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
import redis

from registry.base_record import now
from registry.errors import InvalidRecord, LineageNotFound, MergeNotFound
from registry.event import Event, Position, Reached
from registry.lineage import Lineage
from registry.merge import Merge, Progress
from registry.recipe import AverageRecipe
from registry.state.interface import EventSource
from registry.state.keys import LineageKeys
from registry.state.merges import new_merge_id
from registry.state.state_store import AsyncStateStore, StateStore
from registry.task import Task
from registry.version import Version
from standalone.valkey import EmbeddedValkey

_DIGEST = "sha256:" + "0" * 64
_START = Position(milliseconds=0, sequence=0)
T = TypeVar("T")


def _ask(server: EmbeddedValkey, query: Callable[[EventSource], Awaitable[T]]) -> T:
    async def ask() -> T:
        state = AsyncStateStore.open(server.url)
        try:
            return await query(state.events)
        finally:
            await state.close()

    return asyncio.run(ask())


def _filled(server: EmbeddedValkey) -> tuple[StateStore, Merge]:
    store = StateStore.open(server.url)
    lineage = Lineage(name="a", base=_DIGEST, recipe=AverageRecipe(), created_at=now())
    store.lineages.create(lineage, Version(lineage="a", number=0, weights=_DIGEST, size=1, created_at=now()))
    merge = Merge(
        id=new_merge_id(),
        lineage="a",
        task=Task(name="t"),
        recipe=AverageRecipe(),
        checkpoint=_DIGEST,
        created_at=now(),
    )
    return store, store.merges.enqueue(merge)


def test_the_present_is_one_moment_and_events_go_on_from_it(server: EmbeddedValkey) -> None:
    store, merge = _filled(server)
    seen, present = _ask(server, lambda events: events.present_merge(merge.id))
    assert (seen.id, present.head, present.waiting, present.oldest) == (merge.id, 0, 1, None)
    claim = store.claims.claim("a", 60_000, 3)
    assert claim is not None
    store.claims.renew(claim, 60_000, Progress(phase="merging", step=1))

    async def later(events: EventSource) -> list[Event]:
        reached = Reached(changes=present.position, progress=present.position)
        return list((await events.read({"a": reached}, 1000))["a"])

    progress, running = _ask(server, later)
    assert progress.progress is not None
    assert (progress.progress.step, running.attempt, running.merge) == (1, 1, merge.id)
    store.close()


def test_events_between_two_positions_are_returned_in_order(server: EmbeddedValkey) -> None:
    store, merge = _filled(server)
    store.merges.request_cancel(merge.id)

    async def all_of_it(events: EventSource) -> list[str | None]:
        present = await events.present_lineage("a", 10)
        assert present.merges == ()
        return [event.state async for event in events.since("a", _START, present.position)]

    assert _ask(server, all_of_it) == ["queued", "cancelled"]
    store.close()


def test_a_snapshot_knows_which_positions_its_events_still_reach(server: EmbeddedValkey) -> None:
    store, merge = _filled(server)
    first = _ask(server, lambda events: events.present_lineage("a", 10)).position
    store.merges.request_cancel(merge.id)
    whole = _ask(server, lambda events: events.present_lineage("a", 10))
    assert whole.reaches(first)
    assert whole.reaches(_START)
    assert not whole.reaches(Position(milliseconds=2**60, sequence=0))
    with redis.Redis.from_url(server.url) as client:
        client.xtrim(LineageKeys("a").events, maxlen=1, approximate=False)
    cut = _ask(server, lambda events: events.present_lineage("a", 10))
    assert not cut.reaches(first)
    assert cut.reaches(cut.position)
    store.close()


def test_a_missing_resource_has_no_snapshot(server: EmbeddedValkey) -> None:
    with pytest.raises(LineageNotFound):
        _ask(server, lambda events: events.present_lineage("x", 10))
    with pytest.raises(MergeNotFound):
        _ask(server, lambda events: events.present_merge("mrg_x"))


@pytest.mark.parametrize("text", ["", "1", "-1", "a-b", "1-2-3", "١-1", "1" * 30 + "-0"])
def test_only_a_stream_s_id_is_a_position(text: str) -> None:
    with pytest.raises(InvalidRecord):
        Position.parse(text)
