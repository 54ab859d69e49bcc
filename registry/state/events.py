"""Reading a lineage's events without a thread: redis.asyncio, a bounded number of connections for all readers.

State changes are entries of the lineage's stream, written by the scripts that make them. Progress has a stream of its
own with one entry, for only the newest counts: it can be missed, and never pushes a state change out.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from registry.errors import LineageNotFound, MergeNotFound
from registry.event import Event, Position, Present, Reached
from registry.merge import Merge, MergeProblem, MergeState, Progress
from registry.state.async_connection import AsyncRedisConnection
from registry.state.connection import answers
from registry.state.decoding import merge_of
from registry.state.keys import LineageKeys, merge_lineage

_CONNECTIONS = 8
_PAGE = 500
_TRIES = 5
_START = Position(milliseconds=0, sequence=0)


class RedisEvents(AsyncRedisConnection):
    """See EventSource. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        super().__init__(url, _CONNECTIONS)

    async def present_merge(self, merge_id: str) -> tuple[Merge, Present]:
        """A merge and its lineage's present, seen at one moment. Raises MergeNotFound."""
        with answers():
            lineage = await self._redis.get(merge_lineage(merge_id))
        if lineage is None:
            raise MergeNotFound(merge_id)
        try:
            present = await self._present(lineage, [merge_id])
        except LineageNotFound:
            raise MergeNotFound(merge_id) from None
        if not present.merges:
            raise MergeNotFound(merge_id)
        return present.merges[0], present

    async def present_lineage(self, lineage: str, most: int) -> Present:
        """A lineage with the first `most` merges that have not ended. Raises LineageNotFound."""
        keys = LineageKeys(lineage)
        for _ in range(_TRIES):
            with answers():
                ids = await self._redis.lrange(keys.queue, 0, most - 1)
            present = await self._present(lineage, ids)
            # Unless the queue moved between the two looks, what was seen is one moment.
            if len(present.merges) == len(ids) == min(most, present.waiting):
                break
        return present

    async def since(self, lineage: str, after: Position, until: Position) -> AsyncIterator[Event]:
        """The state changes after one position, up to another one and with it."""
        start = f"({after}"
        while True:
            with answers():
                found = await self._redis.xrange(LineageKeys(lineage).events, start, str(until), count=_PAGE)
            for entry, fields in found:
                yield _event(lineage, entry, fields)
            if len(found) < _PAGE:
                return
            start = f"({found[-1][0]}"

    async def read(self, after: Mapping[str, Reached], wait_ms: int) -> Mapping[str, Sequence[Event]]:
        """What happened in these lineages since, waiting for it at most `wait_ms`. Progress comes first."""
        streams = {}
        for lineage, reached in after.items():
            keys = LineageKeys(lineage)
            streams[keys.events], streams[keys.progress] = str(reached.changes), str(reached.progress)
        with answers():
            found = await self._redis.xread(streams, count=_PAGE, block=wait_ms)
        entries = dict(found.items() if isinstance(found, dict) else found or ())
        return {lineage: events for lineage in after if (events := _of_lineage(lineage, entries))}

    async def _present(self, lineage: str, merges: Sequence[str]) -> Present:
        keys = LineageKeys(lineage)
        with answers():
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.get(keys.head)
                pipeline.llen(keys.queue)
                pipeline.exists(keys.events)
                for merge_id in merges:
                    pipeline.hgetall(keys.merge(merge_id))
                pipeline.xinfo_stream(keys.events)
                head, waiting, happened, *found, stream = await pipeline.execute(raise_on_error=False)
            if happened and isinstance(stream, Exception):
                raise stream
        if head is None:
            raise LineageNotFound(lineage)
        trimmed = bool(happened) and stream["entries-added"] > stream["length"]
        return Present(
            lineage=lineage,
            position=Position.parse(stream["last-generated-id"]) if happened else _START,
            oldest=Position.parse(stream["first-entry"][0]) if trimmed else None,
            head=int(head),
            merges=tuple(merge_of(fields) for fields in found if fields),
            waiting=waiting,
        )


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
