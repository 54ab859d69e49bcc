"""Queries of versions and merges: each yields the scripts to run and builds records from their replies.

A query does no I/O: `RedisClient.query` runs it from a thread, `AsyncRedisClient.query` from the event loop.
"""

from collections.abc import Collection, Generator, Sequence
from typing import Any, NamedTuple, TypeVar

from registry.errors import LineageNotFound, VersionNotFound
from registry.lineage import Lineage
from registry.merge import Merge, MergeSlice, MergeState
from registry.state.decoding import lineage_of, merge_of, version_of
from registry.state.keys import LineageKeys
from registry.version import Version, VersionReference

_LISTED = (
    *("record", "state", "attempt", "fence", "cancel", "version", "progress", "problem"),
    *("created", "started", "ended"),
)
"""All fields of a merge except its report."""
_BATCH = 200
_MAX_BATCHES = 10
"""A filtered listing reads this many merges at a time, this many times."""


class Call(NamedTuple):
    """A script to run, with its keys and arguments."""

    script: str
    keys: list[str]
    values: list[Any]


T = TypeVar("T")
Query = Generator[Call, Any, T]
"""Yields calls, is sent their replies, and returns the result."""


def version(reference: VersionReference) -> Query[tuple[Lineage, Version]]:
    """The version with this number or alias, or the newest one, with its lineage. Raises VersionNotFound."""
    keys = LineageKeys(reference.lineage)
    names = [keys.record, keys.head, keys.aliases, keys.versions, keys.retired]
    lineage, stored, retired = yield Call("read_version", names, [reference.version])
    if lineage is None or stored is None:
        raise VersionNotFound(str(reference))
    return lineage_of(lineage), version_of(stored, retired)


def versions(lineage: str, limit: int, before: int | None, page_bytes: int) -> Query[tuple[Lineage, Sequence[Version]]]:
    """A lineage's versions with numbers below `before`, newest first, with the lineage.

    At least one, and no more after `page_bytes`. Raises LineageNotFound.
    """
    keys = LineageKeys(lineage)
    names = [keys.record, keys.head, keys.versions, keys.retired]
    result = yield Call("list_versions", names, ["" if before is None else before, limit, page_bytes])
    if not result:
        raise LineageNotFound(lineage)
    record, stored, retired = result
    return lineage_of(record), [version_of(text, when) for text, when in zip(stored, retired, strict=True)]


def merges(
    lineage: str, limit: int, below: int | None, states: Collection[MergeState], task: str | None, page_bytes: int
) -> Query[MergeSlice]:
    """A lineage's merges, newest first, below a position, of `page_bytes` read; see AsyncQueries.merges."""
    keys = LineageKeys(lineage)
    step = limit if not states and task is None else _BATCH
    result: list[Merge] = []
    for _ in range(_MAX_BATCHES):
        reply = yield Call("list_merges", [keys.record, keys.merges], ["" if below is None else below, step])
        if not reply:
            raise LineageNotFound(lineage)
        position, ids = reply
        if not ids:
            return MergeSlice(merges=tuple(result))
        names = [keys.merge(merge_id) for merge_id in ids]
        size, rows = yield Call("read_merges", names, [page_bytes, *_LISTED])
        page_bytes -= size
        for row in rows:
            merge = merge_of({name: value for name, value in zip(_LISTED, row, strict=True) if value is not None})
            below = position
            position -= 1
            if (not states or merge.state in states) and task in {None, merge.task.name}:
                result.append(merge)
                if len(result) == limit:
                    return MergeSlice(merges=tuple(result), rest=below if position else None)
        if not position:
            return MergeSlice(merges=tuple(result))
        if page_bytes <= 0:
            break
    return MergeSlice(merges=tuple(result), rest=below)
