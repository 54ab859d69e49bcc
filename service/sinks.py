"""Where the bytes of a part or a body go: into a JSON document or into a blob, in constant memory."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from registry.blob import Blob
from registry.blobs.store import BlobStore, BlobWriter
from registry.errors import NotSafetensors, TooLarge
from registry.header import Header, HeaderReader
from service.settings import GatewaySettings

_CHUNK = 1 << 20


class Sink(Protocol):
    """Takes bytes in order. After an error, `abort` must be called."""

    async def put(self, data: bytes) -> None:
        """Take the next bytes."""

    async def finish(self) -> None:
        """All bytes have come."""

    async def abort(self) -> None:
        """Forget everything."""


class JsonSink:
    """A JSON document of bounded size, complete in `data` after `finish`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.data = bytearray()

    async def put(self, data: bytes) -> None:
        """Raises TooLarge."""
        self.data += data
        if len(self.data) > self._limit:
            raise TooLarge(f"The JSON document has more than {self._limit} bytes (ODEM_MAX_JSON_BYTES).")

    async def finish(self) -> None:
        """Nothing is left to do."""

    async def abort(self) -> None:
        """Nothing was stored."""


class SafetensorsSink:
    """A safetensors file on its way into the blob store.

    The header is checked, also by `check`, before more than one chunk of data is taken; then room is reserved for the
    whole file. Full chunks of 1 MiB are hashed and written in a thread, one at a time, while the next one fills: two
    chunks of memory, whatever the file's size.
    """

    def __init__(self, blobs: BlobStore, settings: GatewaySettings, check: Callable[[Header], None]) -> None:
        self._blobs = blobs
        self._limit = settings.max_upload_bytes
        self._check = check
        self._reader = HeaderReader(settings.max_header_bytes, settings.max_tensors)
        self._writer: BlobWriter | None = None
        self._buffer = bytearray()
        self._writing: asyncio.Future[None] | None = None

    @property
    def header(self) -> Header:
        """The checked header; there after `finish`."""
        return self._reader.finish()

    async def put(self, data: bytes) -> None:
        """Raises what the checks raise, NotSafetensors, TooLarge, StorageFull."""
        self._buffer += data
        if self._reader.header is None:
            await self._flush()
            await self._wait()
        elif len(self._buffer) >= _CHUNK:
            await self._flush()

    async def finish(self) -> None:
        """Write the rest and check that the file has the size that its header says."""
        await self._flush()
        await self._wait()
        header = self._reader.finish()
        written = self._writer.written if self._writer else 0
        if written != header.size:
            raise NotSafetensors(
                f"The file has {written} bytes, but its header describes {header.size}: it is truncated."
            )

    def read(self, start: int, length: int) -> bytes:
        """Bytes of the file, for checks before the commit."""
        assert self._writer is not None  # noqa: S101  finish has been called
        return self._writer.read(start, length)

    async def commit(self) -> Blob:
        """Make the blob visible; call after `finish`."""
        assert self._writer is not None  # noqa: S101  finish has been called
        return await run_in_threadpool(self._writer.commit)

    async def abort(self) -> None:
        """Forget the file, after a write that may be under way."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self._writer is not None:
            await run_in_threadpool(self._writer.abort)

    async def _flush(self) -> None:
        await self._wait()
        if self._buffer:
            chunk, self._buffer = self._buffer, bytearray()
            self._writing = asyncio.ensure_future(run_in_threadpool(self._take, chunk))

    async def _wait(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None

    def _take(self, chunk: bytearray) -> None:
        """In a thread: check the header as it completes, then hash and write."""
        if self._writer is None:
            self._writer = self._blobs.create()
        if self._reader.header is None:
            header = self._reader.feed(chunk)
            if header is not None:
                self._admit(header)
                self._writer.reserve(header.size)
        size = self._reader.header.size if self._reader.header else self._limit
        if self._writer.written + len(chunk) > size:
            raise NotSafetensors(f"The file has more bytes than the {size} that its header describes.")
        self._writer.write(chunk)

    def _admit(self, header: Header) -> None:
        if header.size > self._limit:
            raise TooLarge(
                f"The file has {header.size} bytes; at most {self._limit} are allowed (ODEM_MAX_UPLOAD_BYTES)."
            )
        self._check(header)
