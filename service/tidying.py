"""What the gateway does by itself now and then: it deletes resumable uploads that have expired."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.concurrency import run_in_threadpool

from registry.blobs.store import UploadStore

_log = logging.getLogger(__name__)
_SECONDS = 60.0


@asynccontextmanager
async def tidy(uploads: UploadStore) -> AsyncIterator[None]:
    """Delete expired uploads, at once and then every minute, while the block runs."""
    task = asyncio.create_task(_expire(uploads))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _expire(uploads: UploadStore) -> None:
    while True:
        try:
            for name, size in await run_in_threadpool(uploads.expire):
                _log.warning("The upload %s has expired: %d bytes were deleted.", name, size)
        except OSError as error:
            _log.warning("Expired uploads could not be deleted (%s); they are tried again.", error)
        await asyncio.sleep(_SECONDS)
