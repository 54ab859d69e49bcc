"""Versions and merges, read without a thread: redis.asyncio, a bounded number of connections for all readers."""

from collections.abc import Collection, Sequence

from registry.errors import MergeNotFound
from registry.lineage import Lineage
from registry.merge import Merge, MergeSlice, MergeState
from registry.state import questions
from registry.state.asynchronous import AsyncRedisConnection
from registry.state.connection import answers
from registry.state.keys import LineageKeys, merge_lineage
from registry.state.reading import merge_of
from registry.version import Version, VersionReference

_CONNECTIONS = 8
_MOST_LINEAGES = 10_000


class RedisReads(AsyncRedisConnection):
    """See Reads. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        super().__init__(url, _CONNECTIONS)
        self._lineages: dict[str, str] = {}

    async def version(self, reference: VersionReference) -> tuple[Lineage, Version]:
        """Raises VersionNotFound."""
        return await self._ask(questions.version(reference))

    async def versions(self, lineage: str, limit: int, before: int | None = None) -> tuple[Lineage, Sequence[Version]]:
        """Raises LineageNotFound."""
        return await self._ask(questions.versions(lineage, limit, before))

    async def merge(self, merge_id: str) -> Merge:
        """Raises MergeNotFound."""
        with answers():
            # A merge never changes its lineage, so that is asked for once.
            lineage = self._lineages.get(merge_id) or await self._redis.get(merge_lineage(merge_id))
            fields = await self._redis.hgetall(LineageKeys(lineage).merge(merge_id)) if lineage else None
        if not fields:
            raise MergeNotFound(merge_id)
        if len(self._lineages) >= _MOST_LINEAGES:
            self._lineages.clear()
        self._lineages[merge_id] = lineage
        return merge_of(fields)

    async def merges(
        self,
        lineage: str,
        limit: int,
        below: int | None = None,
        states: Collection[MergeState] = (),
        task: str | None = None,
    ) -> MergeSlice:
        """See StateStore.list_merges."""
        return await self._ask(questions.merges(lineage, limit, below, states, task))
