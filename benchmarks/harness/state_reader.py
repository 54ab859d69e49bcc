"""Reads the state store's asynchronous queries from synchronous code."""

import asyncio
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

from registry.merge import Merge, MergeSlice, MergeState
from registry.state.state_store import AsyncStateStore
from registry.version import Version

_ALL = 10_000


class LedgerReader:
    """The asynchronous queries on one server, each run to its end in an event loop of the reader's own."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        # Whole lineages are read at once, whatever their size.
        self._store = AsyncStateStore.open(url, page_bytes=1 << 40)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def versions(self, lineage: str, limit: int = _ALL, before: int | None = None) -> Sequence[Version]:
        """A lineage's versions with numbers below `before`, newest first."""
        return self._runner.run(self._store.queries.versions(lineage, limit, before))[1]

    def merges(self, lineage: str) -> Sequence[Merge]:
        """All merges of a lineage, newest first."""
        return self.merge_slice(lineage, _ALL).merges

    def merge_slice(
        self,
        lineage: str,
        limit: int,
        below: int | None = None,
        states: Collection[MergeState] = (),
        task: str | None = None,
    ) -> MergeSlice:
        """See AsyncQueries.merges."""
        return self._runner.run(self._store.queries.merges(lineage, limit, below, states, task))

    def close(self) -> None:
        """Close the connections and the event loop."""
        self._runner.run(self._store.close())
        self._runner.close()
