"""Frequent reads of versions and merges from the event loop."""

from collections.abc import Collection, Sequence

from cachetools import LRUCache

from registry.errors import MergeNotFound
from registry.lineage import Lineage
from registry.merge import Merge, MergeSlice, MergeState
from registry.state import queries
from registry.state.async_connection import AsyncRedisClient
from registry.state.decoding import merge_of
from registry.state.keys import LineageKeys, merge_lineage
from registry.state.merges import CACHED_LINEAGES
from registry.version import Version, VersionReference

PAGE_BYTES = 16 << 20


class AsyncQueryRepository:
    """See AsyncQueries. Belongs to one event loop.

    page_bytes: a listing ends after the record with which its records exceed so many bytes; it continues below it.
    """

    def __init__(self, client: AsyncRedisClient, page_bytes: int = PAGE_BYTES) -> None:
        self._client = client
        self._page_bytes = page_bytes
        self._lineages: LRUCache[str, str] = LRUCache(CACHED_LINEAGES)

    async def version(self, reference: VersionReference) -> tuple[Lineage, Version]:
        """Raises VersionNotFound."""
        return await self._client.query(queries.version(reference))

    async def versions(self, lineage: str, limit: int, before: int | None = None) -> tuple[Lineage, Sequence[Version]]:
        """Raises LineageNotFound."""
        return await self._client.query(queries.versions(lineage, limit, before, self._page_bytes))

    async def merge(self, merge_id: str) -> Merge:
        """Raises MergeNotFound."""
        lineage = self._lineages.get(merge_id)
        if lineage is None:
            lineage = await self._client.call(lambda server: server.get(merge_lineage(merge_id)))
            if lineage is None:
                raise MergeNotFound(merge_id)
            self._lineages[merge_id] = lineage
        keys = LineageKeys(lineage)
        fields = await self._client.call(lambda server: server.hgetall(keys.merge(merge_id)))
        if not fields:
            raise MergeNotFound(merge_id)
        return merge_of(fields)

    async def merges(
        self,
        lineage: str,
        limit: int,
        below: int | None = None,
        states: Collection[MergeState] = (),
        task: str | None = None,
    ) -> MergeSlice:
        """See AsyncQueries.merges."""
        return await self._client.query(queries.merges(lineage, limit, below, states, task, self._page_bytes))
