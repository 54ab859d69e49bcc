"""Per-upload writer lock: at most one request writes to a resumable upload, and the newest one wins.

A client whose connection was cut returns within a second, while the gateway may still wait for bytes on the old
connection. So a request that needs the lock asks the previous writer to stop, waits until that has stored what it
received, and continues from the stored offset, as in tusd.

The lock belongs to one process. The lock of the upload's file keeps out writers in other processes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from registry.errors import UploadBusy


class Writer:
    """A request that holds the lock."""

    def __init__(self) -> None:
        self._released = asyncio.Event()
        self._read_timeout: asyncio.Timeout | None = None
        self.stop_requested = False

    async def read(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield a body's chunks until its end, or until a newer request wants the lock; see `stop_requested`."""
        while not self.stop_requested:
            timeout = self._read_timeout = asyncio.timeout(None)
            try:
                async with timeout:
                    chunk = await anext(body)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if timeout.expired():
                    return
                raise
            finally:
                self._read_timeout = None
            yield chunk

    def stop(self) -> None:
        """Ask the writer to stop: at once while it waits for its client, else after the chunk that it stores."""
        self.stop_requested = True
        if self._read_timeout is not None:
            self._read_timeout.reschedule(0)

    def release(self) -> None:
        """Note that the writer has stored what it received and holds the lock no longer."""
        self._released.set()

    async def released(self) -> None:
        """Wait for `release`."""
        await self._released.wait()


class WriterLocks:
    """The locks of all uploads, for one event loop.

    takeover_seconds: how long a request waits for the previous writer to stop.
    """

    def __init__(self, takeover_seconds: float) -> None:
        self._takeover_seconds = takeover_seconds
        self._writers: dict[str, Writer] = {}

    @asynccontextmanager
    async def hold(self, upload_id: str) -> AsyncIterator[Writer]:
        """Hold an upload's lock while the block runs. Raises UploadBusy when the previous writer does not stop."""
        try:
            async with asyncio.timeout(self._takeover_seconds):
                while (previous := self._writers.get(upload_id)) is not None:
                    previous.stop()
                    await previous.released()
        except TimeoutError as error:
            raise UploadBusy(upload_id) from error
        writer = self._writers[upload_id] = Writer()
        try:
            yield writer
        finally:
            del self._writers[upload_id]
            writer.release()

    def is_held(self, upload_id: str) -> bool:
        """Whether a request of this process holds the lock of an upload."""
        return upload_id in self._writers
