"""What the gateway does by itself now and then: it deletes expired uploads and cancels merges whose time is over."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.concurrency import run_in_threadpool

from registry.blobs.store import UploadStore
from registry.errors import OdemError
from registry.state.interface import StateStore

_log = logging.getLogger(__name__)
_SECONDS = 60.0
_OVERDUE_SECONDS = 1.0


@asynccontextmanager
async def tidy(uploads: UploadStore, state: StateStore) -> AsyncIterator[None]:
    """Delete expired uploads every minute, cancel overdue merges every second, while the block runs."""
    tasks = [asyncio.create_task(_expire(uploads)), asyncio.create_task(_cancel_overdue(state))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _cancel_overdue(state: StateStore) -> None:
    """Workers do the same: queued merges end on time although no worker runs, running ones although no gateway does."""
    while True:
        # A store that is away is told of by whoever asks it for more.
        with suppress(OdemError):
            await run_in_threadpool(state.cancel_overdue)
        await asyncio.sleep(_OVERDUE_SECONDS)


async def _expire(uploads: UploadStore) -> None:
    while True:
        try:
            for name, size in await run_in_threadpool(uploads.expire):
                _log.warning("The upload %s has expired: %d bytes were deleted.", name, size)
        except OSError as error:
            _log.warning("Expired uploads could not be deleted (%s); they are tried again.", error)
        await asyncio.sleep(_SECONDS)
