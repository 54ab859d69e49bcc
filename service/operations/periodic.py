"""Periodic work of the gateway: deletion of expired uploads, cancellation of overdue merges."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from registry.blobs.files import forget_abandoned
from registry.blobs.store import AdminUploadStore
from registry.errors import OdemError
from registry.state.merges import MergeRepository

_log = logging.getLogger(__name__)
_SECONDS = 60.0
_OVERDUE_SECONDS = 1.0


@asynccontextmanager
async def periodic_work(data_dir: Path, uploads: AdminUploadStore, merges: MergeRepository) -> AsyncIterator[None]:
    """Delete expired uploads every minute, cancel overdue merges every second, while the block runs."""
    if count := await run_in_threadpool(forget_abandoned, data_dir):
        _log.warning("Deleted %d uploads of gateways or workers that died.", count)
    tasks = [asyncio.create_task(_expire(uploads)), asyncio.create_task(_cancel_overdue(merges))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _cancel_overdue(merges: MergeRepository) -> None:
    """Workers do the same: queued merges end on time although no worker runs, running ones although no gateway does."""
    while True:
        # Requests report a store that is unavailable.
        with suppress(OdemError):
            await run_in_threadpool(merges.cancel_overdue)
        await asyncio.sleep(_OVERDUE_SECONDS)


async def _expire(uploads: AdminUploadStore) -> None:
    while True:
        try:
            for name, size in await run_in_threadpool(uploads.expire):
                _log.warning("Deleted the expired upload %s (%d bytes).", name, size)
        except OSError as error:
            _log.warning("Expired uploads not deleted (%s); retrying.", error)
        await asyncio.sleep(_SECONDS)
