"""Refusal of requests that add records while the disk or the state store has little room."""

import threading

from cachetools import TTLCache, cachedmethod
from starlette.concurrency import run_in_threadpool

from registry.blobs.filesystem import check_free
from registry.errors import StorageFull
from registry.state.metrics import MetricsRepository, StateMemory
from service.settings import GatewaySettings

_MEMORY_SECONDS = 1.0


class StorageGuard:
    """Checks free space and the state store's memory. A route declares it with `@needs_storage`.

    What is left beyond the thresholds is for requests under way, for merges that end, and for the audit log. The memory
    is read once a second.
    """

    def __init__(self, metrics: MetricsRepository, settings: GatewaySettings) -> None:
        self._metrics = metrics
        self._settings = settings
        self._cache: TTLCache[tuple[str], StateMemory] = TTLCache(1, _MEMORY_SECONDS)
        self._lock = threading.Lock()

    async def check(self) -> None:
        """Raises StorageFull, StoreUnavailable."""
        await run_in_threadpool(self._check)

    def _check(self) -> None:
        check_free(self._settings.data_dir, 0, self._settings.min_free_bytes)
        memory, share = self._memory(), self._settings.max_state_memory_share
        if memory.limit and memory.used > share * memory.limit:
            raise StorageFull(
                f"The state store uses {memory.used} of {memory.limit} bytes, more than {share:.0%} "
                "(ODEM_MAX_STATE_MEMORY_SHARE). Raise its maxmemory (embedded: ODEM_VALKEY_MAXMEMORY) and retry."
            )

    @cachedmethod(lambda self: self._cache, lock=lambda self: self._lock)
    def _memory(self) -> StateMemory:
        return self._metrics.memory()
