"""Safetensors files streamed into the blob store in constant memory."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from starlette.concurrency import run_in_threadpool

from registry.blob import Blob
from registry.blobs.store import BlobWriter
from registry.errors import NotSafetensors, TooLarge
from registry.safetensors_header import Header, HeaderReader
from service.http.digest_fields import Expected, blob_digest
from service.settings import GatewaySettings

_CHUNK = 1 << 20
_BUFFERS = 3


class SafetensorsSink:
    """Byte sink that writes a safetensors file to the blob store.

    It validates the header before it accepts more than one chunk, then reserves disk space for the whole file. A thread
    hashes and writes chunks of 1 MiB while the next ones fill: three reused buffers, whatever the file's size.

    begin: opens the writer, in a thread; a resumed upload's writer already has bytes. check: validates the header
    further and raises for one it cannot accept. expected: digests of the bytes. announced: the file's size, where the
    client has announced it, so that a header that contradicts it is refused at once.
    """

    def __init__(
        self,
        begin: Callable[[], BlobWriter],
        settings: GatewaySettings,
        check: Callable[[Header], None],
        expected: Sequence[Expected] = (),
        announced: int = 0,
    ) -> None:
        self._begin = begin
        self._limit = settings.max_upload_bytes
        self._check = check
        self._announced = announced
        self._digest = blob_digest(list(expected))
        self._expected = [item for item in expected if item.name != self._digest]
        self._reader = HeaderReader(settings.max_header_bytes, settings.max_tensors)
        self._writer: BlobWriter | None = None
        self._buffers = 1
        self._buffer = bytearray(_CHUNK)
        self._filled = 0
        self._free: deque[bytearray] = deque()
        self._full: deque[tuple[bytearray, int]] = deque()
        self._writing: asyncio.Future[None] | None = None

    @property
    def header(self) -> Header:
        """The validated header; available after `finish`."""
        return self._reader.finish()

    async def put(self, data: bytes | bytearray) -> None:
        """Add bytes. Raises NotSafetensors, TooLarge, StorageFull, and what `check` raises."""
        view = memoryview(data)
        while view:
            count = min(_CHUNK - self._filled, len(view))
            self._buffer[self._filled : self._filled + count] = view[:count]
            self._filled += count
            view = view[count:]
            if self._filled == _CHUNK or self._reader.header is None:
                await self._flush()
        if self._reader.header is None:
            await self._wait()

    async def drain(self) -> None:
        """Write all bytes that were added."""
        await self._flush()
        await self._wait()

    async def finish(self) -> None:
        """Write the rest; check the file's size against its header, and the digests."""
        await self.drain()
        header = self._reader.finish()
        written = self._writer.written if self._writer else 0
        _check_size(written, header)
        for item in self._expected:
            item.check()

    def read(self, start: int, length: int) -> bytes:
        """Read bytes of the file, for checks before the commit."""
        assert self._writer is not None  # noqa: S101  finish has been called
        return self._writer.read(start, length)

    async def commit(self) -> Blob:
        """Make the blob visible, after `finish`. Raises DigestMismatch."""
        assert self._writer is not None  # noqa: S101  finish has been called
        return await run_in_threadpool(self._writer.commit, self._digest)

    async def abort(self) -> None:
        """Delete the file, after any write in progress."""
        await self.wait_idle()
        if self._writer is not None:
            await run_in_threadpool(self._writer.abort)

    async def wait_idle(self) -> None:
        """Wait for a write in progress, and ignore its result."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing.cancelled() or self._writing.exception()

    async def _flush(self) -> None:
        """Queue the buffer for writing and continue with a free one; wait when the disk is slower than the client."""
        if not self._filled:
            return
        if self._writing is not None and self._writing.done():
            await self._wait()
        self._full.append((self._buffer, self._filled))
        self._filled = 0
        if self._writing is None:
            self._writing = asyncio.ensure_future(run_in_threadpool(self._write_queued))
        if not self._free and self._buffers < _BUFFERS:
            self._buffers += 1
            self._free.append(bytearray(_CHUNK))
        if not self._free:
            await self._wait()
        self._buffer = self._free.popleft()

    async def _wait(self) -> None:
        """Wait until all queued buffers are written."""
        while self._writing is not None:
            await asyncio.shield(self._writing)
            # The thread may have ended just before the last buffer was queued.
            self._writing = asyncio.ensure_future(run_in_threadpool(self._write_queued)) if self._full else None

    def _write_queued(self) -> None:
        """In a thread: write the queued buffers in order."""
        while self._full:
            buffer, size = self._full.popleft()
            with memoryview(buffer) as view:
                self._write(view[:size])
            self._free.append(buffer)

    def _write(self, chunk: memoryview) -> None:
        """Validate the header once it is complete; hash and write."""
        if self._writer is None:
            self._writer = self._open()
        if self._reader.header is None:
            header = self._reader.feed(chunk)
            if header is not None:
                self._validate(header)
                self._writer.reserve(header.size)
        if self._reader.header is not None and self._writer.written + len(chunk) > self._reader.header.size:
            _check_size(self._writer.written + len(chunk), self._reader.header)
        for item in self._expected:
            item.update(chunk)
        self._writer.write(chunk)

    def _open(self) -> BlobWriter:
        """Open the writer, and read the header again if it already has bytes."""
        writer, position = self._begin(), 0
        while self._reader.header is None and position < writer.written:
            chunk = writer.read(position, min(_CHUNK, writer.written - position))
            self._reader.feed(chunk)
            position += len(chunk)
        return writer

    def _validate(self, header: Header) -> None:
        if header.size > self._limit:
            raise TooLarge(
                f"The file has {header.size} bytes; at most {self._limit} are allowed (ODEM_MAX_UPLOAD_BYTES)."
            )
        if self._announced:
            _check_size(self._announced, header)
        self._check(header)


def _check_size(size: int, header: Header) -> None:
    """Raises NotSafetensors unless the header describes a file of `size` bytes."""
    if size < header.size:
        raise NotSafetensors(f"The file is truncated: it has {size} bytes, and its header describes {header.size}.")
    if size > header.size:
        raise NotSafetensors(f"The file is longer than the {header.size} bytes that its header describes.")
