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
    """A safetensors file on its way into the blob store.

    The header is checked, also by `check`, before more than one chunk of data is taken; then room is reserved for the
    whole file. Chunks of 1 MiB are hashed and written in a thread while the next ones fill: three reused buffers of
    memory, whatever the file's size.

    begin: opens the writer, in a thread; what it has already is not asked for again. expected: what the bytes that are
    put must hash to. announced: the file's size, where the client has said it, so that a header that says otherwise is
    refused at once.
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
        """The checked header; there after `finish`."""
        return self._reader.finish()

    async def put(self, data: bytes | bytearray) -> None:
        """Raises what the checks raise, NotSafetensors, TooLarge, StorageFull."""
        view = memoryview(data)
        while view:
            taken = min(_CHUNK - self._filled, len(view))
            self._buffer[self._filled : self._filled + taken] = view[:taken]
            self._filled += taken
            view = view[taken:]
            if self._filled == _CHUNK or self._reader.header is None:
                await self._flush()
        if self._reader.header is None:
            await self._wait()

    async def drain(self) -> None:
        """Write all that was put."""
        await self._flush()
        await self._wait()

    async def finish(self) -> None:
        """Write the rest and check that the file has the size that its header says, and the digests."""
        await self.drain()
        header = self._reader.finish()
        written = self._writer.written if self._writer else 0
        _check_size(written, header)
        for item in self._expected:
            item.check()

    def read(self, start: int, length: int) -> bytes:
        """Bytes of the file, for checks before the commit."""
        assert self._writer is not None  # noqa: S101  finish has been called
        return self._writer.read(start, length)

    async def commit(self) -> Blob:
        """Make the blob visible; call after `finish`. Raises DigestMismatch."""
        assert self._writer is not None  # noqa: S101  finish has been called
        return await run_in_threadpool(self._writer.commit, self._digest)

    async def abort(self) -> None:
        """Forget the file, after a write that may be under way."""
        await self.settle()
        if self._writer is not None:
            await run_in_threadpool(self._writer.abort)

    async def settle(self) -> None:
        """Wait for a write that is under way, whatever comes of it."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing.cancelled() or self._writing.exception()

    async def _flush(self) -> None:
        """Hand the buffer over, and take a free one; wait for one when the disk is slower than the sender."""
        if not self._filled:
            return
        if self._writing is not None and self._writing.done():
            await self._wait()
        self._full.append((self._buffer, self._filled))
        self._filled = 0
        if self._writing is None:
            self._writing = asyncio.ensure_future(run_in_threadpool(self._drain))
        if not self._free and self._buffers < _BUFFERS:
            self._buffers += 1
            self._free.append(bytearray(_CHUNK))
        if not self._free:
            await self._wait()
        self._buffer = self._free.popleft()

    async def _wait(self) -> None:
        """Wait until all that was handed over is written."""
        while self._writing is not None:
            await asyncio.shield(self._writing)
            # The thread may have looked for the last time just before the last buffer was handed over.
            self._writing = asyncio.ensure_future(run_in_threadpool(self._drain)) if self._full else None

    def _drain(self) -> None:
        """In a thread: take the buffers that are full, in order."""
        while self._full:
            buffer, size = self._full.popleft()
            with memoryview(buffer) as view:
                self._take(view[:size])
            self._free.append(buffer)

    def _take(self, chunk: memoryview) -> None:
        """Check the header as it completes, then hash and write."""
        if self._writer is None:
            self._writer = self._open()
        if self._reader.header is None:
            header = self._reader.feed(chunk)
            if header is not None:
                self._admit(header)
                self._writer.reserve(header.size)
        if self._reader.header is not None and self._writer.written + len(chunk) > self._reader.header.size:
            _check_size(self._writer.written + len(chunk), self._reader.header)
        for item in self._expected:
            item.update(chunk)
        self._writer.write(chunk)

    def _open(self) -> BlobWriter:
        """The writer; the header of what it has already is read again."""
        writer, position = self._begin(), 0
        while self._reader.header is None and position < writer.written:
            piece = writer.read(position, min(_CHUNK, writer.written - position))
            self._reader.feed(piece)
            position += len(piece)
        return writer

    def _admit(self, header: Header) -> None:
        if header.size > self._limit:
            raise TooLarge(
                f"The file has {header.size} bytes; at most {self._limit} are allowed (ODEM_MAX_UPLOAD_BYTES)."
            )
        if self._announced:
            _check_size(self._announced, header)
        self._check(header)


def _check_size(size: int, header: Header) -> None:
    """Raises NotSafetensors unless a file of `size` bytes is one of this header."""
    if size < header.size:
        raise NotSafetensors(f"The file has {size} bytes, but its header describes {header.size}: it is truncated.")
    if size > header.size:
        raise NotSafetensors(f"The file has more bytes than the {header.size} that its header describes.")
