"""Events of a lineage, read from the event loop.

State changes are entries of the lineage's stream, written by the scripts that make them. Progress has a stream of its
own with one entry, because only the newest counts: readers can miss some, and it never pushes out a state change.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from registry.errors import LineageNotFound, MergeNotFound
from registry.event import Event, Position, Present, Reached
from registry.merge import Merge, MergeProblem, MergeState, Progress
from registry.state.async_connection import AsyncRedisClient
from registry.state.decoding import merge_of
from registry.state.keys import LineageKeys, merge_lineage

_PAGE = 500
_TRIES = 5
_START = Position(milliseconds=0, sequence=0)


class EventRepository:
    """See EventSource. Belongs to one event loop."""

    def __init__(self, client: AsyncRedisClient) -> None:
        self._client = client

    async def present_merge(self, merge_id: str) -> tuple[Merge, Present]:
        """A merge and a snapshot of its lineage, consistent with each other. Raises MergeNotFound."""
        lineage = await self._client.call(lambda server: server.get(merge_lineage(merge_id)))
        if lineage is None:
            raise MergeNotFound(merge_id)
        try:
            present = await self._present(lineage, [merge_id])
        except LineageNotFound:
            raise MergeNotFound(merge_id) from None
        if not present.merges:
            raise MergeNotFound(merge_id)
        return present.merges[0], present

    async def present_lineage(self, lineage: str, limit: int) -> Present:
        """A snapshot of a lineage with its first `limit` unfinished merges. Raises LineageNotFound."""
        keys = LineageKeys(lineage)
        for _ in range(_TRIES):
            ids = await self._client.call(lambda server: server.lrange(keys.queue, 0, limit - 1))
            present = await self._present(lineage, ids)
            # Unless the queue changed between the two reads, they are one snapshot.
            if len(present.merges) == len(ids) == min(limit, present.waiting):
                break
        return present

    async def since(self, lineage: str, after: Position, until: Position) -> AsyncIterator[Event]:
        """The state changes after one position, up to and including another."""
        events, start = LineageKeys(lineage).events, f"({after}"
        while True:
            page = await self._read_page(events, start, str(until))
            for entry, fields in page:
                yield _event(lineage, entry, fields)
            if len(page) < _PAGE:
                return
            start = f"({page[-1][0]}"

    async def _read_page(self, events: str, start: str, until: str) -> list[Any]:
        return await self._client.call(lambda server: server.xrange(events, start, until, count=_PAGE))

    async def read(self, after: Mapping[str, Reached], wait_ms: int) -> Mapping[str, Sequence[Event]]:
        """Events of these lineages after these positions, waiting at most `wait_ms` for them. Progress comes first."""
        streams = {}
        for lineage, reached in after.items():
            keys = LineageKeys(lineage)
            streams[keys.events], streams[keys.progress] = str(reached.changes), str(reached.progress)
        result = await self._client.call(lambda server: server.xread(streams, count=_PAGE, block=wait_ms))
        entries = dict(result.items() if isinstance(result, dict) else result or ())
        return {lineage: events for lineage in after if (events := _of_lineage(lineage, entries))}

    async def _present(self, lineage: str, merges: Sequence[str]) -> Present:
        keys = LineageKeys(lineage)
        head, waiting, happened, *result, stream = await self._client.call(lambda server: _read(server, keys, merges))
        if head is None:
            raise LineageNotFound(lineage)
        trimmed = bool(happened) and stream["entries-added"] > stream["length"]
        return Present(
            lineage=lineage,
            position=Position.parse(stream["last-generated-id"]) if happened else _START,
            oldest=Position.parse(stream["first-entry"][0]) if trimmed else None,
            head=int(head),
            merges=tuple(merge_of(fields) for fields in result if fields),
            waiting=waiting,
        )


async def _read(server: Any, keys: LineageKeys, merges: Sequence[str]) -> list[Any]:
    """Head, length of the queue, whether there are events, the merges' fields, and XINFO of the event stream."""
    async with server.pipeline(transaction=True) as pipeline:
        pipeline.get(keys.head)
        pipeline.llen(keys.queue)
        pipeline.exists(keys.events)
        for merge_id in merges:
            pipeline.hgetall(keys.merge(merge_id))
        pipeline.xinfo_stream(keys.events)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
    if replies[2] and isinstance(replies[-1], Exception):
        raise replies[-1]
    return replies


def _of_lineage(lineage: str, entries: Mapping[str, Any]) -> list[Event]:
    keys = LineageKeys(lineage)
    return [
        _event(lineage, entry, fields) for key in (keys.progress, keys.events) for entry, fields in entries.get(key, ())
    ]


def _event(lineage: str, entry: str, fields: Mapping[str, str]) -> Event:
    problem, progress = fields.get("problem"), fields.get("progress")
    return Event(
        lineage=lineage,
        position=Position.parse(entry),
        merge=fields.get("merge"),
        state=MergeState(fields["state"]) if "state" in fields else None,
        attempt=int(fields["attempt"]) if "attempt" in fields else None,
        problem=MergeProblem.model_validate_json(problem) if problem else None,
        version=int(fields["version"]) if "version" in fields else None,
        origin=fields.get("origin"),
        progress=Progress.model_validate_json(progress) if progress else None,
    )
