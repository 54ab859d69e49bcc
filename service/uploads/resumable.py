"""Resumable uploads: begun, gone on with, asked for, ended. The protocol's words are in `tus.py`."""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from registry.base_record import now
from registry.errors import (
    DigestMismatch,
    InvalidInput,
    MalformedUpload,
    NotSafetensors,
    OdemError,
    OffsetMismatch,
    TooLarge,
    UploadNotFound,
)
from registry.upload import Upload
from service.http.digest_fields import Expected
from service.pipeline.context import Context
from service.server.tcp import TcpConnection
from service.uploads import tus
from service.uploads.preconditions import announced, foresee
from service.uploads.safetensors_stream import SafetensorsSink
from service.uploads.writer_lock import Sender

T = TypeVar("T")


async def create(context: Context, request: Request) -> Upload:
    """Begin an upload, and take its first bytes where they come along. What came of it is all or nothing.

    Raises MalformedUpload, NotSafetensors, TooLarge, TooManyUploads, StorageFull, and what `append` raises.
    """
    length = tus.read_size(request.headers, "Upload-Length")
    most = context.settings.max_upload_bytes
    if length > most:
        raise TooLarge(f"The upload has {length} bytes; at most {most} are allowed (ODEM_MAX_UPLOAD_BYTES).")
    if length == 0:
        raise NotSafetensors("The upload has no bytes, so it is no safetensors file.")
    metadata, expected = tus.read_metadata(request.headers)
    has_body = announced(request) > 0 or "transfer-encoding" in request.headers
    if has_body:
        tus.check_media_type(request.headers)
        foresee(context, request)
    await context.attempt.settle(upload=f"{length} {request.headers.get('upload-metadata', '')}")
    time = now()
    upload = Upload(
        id=secrets.token_hex(16),
        owner=context.caller.identity,
        length=length,
        metadata=metadata,
        expected=expected,
        created_at=time,
        expires_at=time,
    )
    stored = await run_in_threadpool(context.uploads.create, upload, context.slots.most)
    if not has_body:
        return stored
    try:
        return await append(context, request, stored, 0)
    except BaseException:
        # Nobody was told its name, so nobody could go on with it.
        with suppress(UploadNotFound):
            await run_in_threadpool(context.uploads.delete, stored.id)
        raise


def find(context: Context, upload_id: str) -> Upload:
    """How far an upload of this owner has come. Raises UploadNotFound."""
    upload = context.uploads.get(upload_id)
    if upload.owner != context.caller.identity:
        raise UploadNotFound(upload_id)
    return upload


async def settled(context: Context, upload_id: str) -> Upload:
    """How far an upload has come, once a sender whose client is gone has stored its last bytes.

    Raises UploadNotFound.
    """
    found = await run_in_threadpool(find, context, upload_id)
    if not context.senders.sends(found.id):
        return found
    await context.senders.settled(found.id)
    return await run_in_threadpool(find, context, upload_id)


async def end(context: Context, request: Request, upload_id: str) -> None:
    """Forget an upload. Raises UploadNotFound, UploadBusy."""
    upload = await run_in_threadpool(find, context, upload_id)
    async with context.senders.turn(upload.id, TcpConnection.of(request.scope)):
        await run_in_threadpool(context.uploads.delete, upload.id)


async def append(context: Context, request: Request, upload: Upload, offset: int) -> Upload:
    """Take the bytes from `offset` on; with the last one the upload becomes a blob.

    A sender before this one who is gone, or silent, is waited for. Bytes that came before a connection was cut stay,
    unless they have a checksum, which they then cannot meet. An upload that turns out to be no safetensors file, or not
    of its promised digest, is deleted. Raises OffsetMismatch, UploadBusy, UploadNotFound, ChecksumMismatch,
    DigestMismatch, NotSafetensors, TooLarge, StorageFull, MalformedUpload.
    """
    if upload.done or offset != upload.offset:
        if upload.done and offset == upload.offset and announced(request) == 0:
            return upload
        raise OffsetMismatch(upload.offset, offset)
    if offset + announced(request) > upload.length:
        raise MalformedUpload(
            f"{announced(request)} bytes from the offset {offset} on are more than Upload-Length says: {upload.length}."
        )
    foresee(context, request)
    piece = _Piece(context, upload, tus.read_checksums(request.headers))
    async with context.senders.turn(upload.id, TcpConnection.of(request.scope)) as sender:
        await piece.open()
        await piece.receive(request, sender)
    return piece.upload


class _Piece:
    """The bytes of one request, on their way into an upload that nobody else writes meanwhile."""

    def __init__(self, context: Context, upload: Upload, checksums: list[Expected]) -> None:
        self._context = context
        self._checksums = checksums
        self._left = upload.length - upload.offset
        self._sound = not checksums
        self._bad: OdemError | None = None
        self._hopeless = False
        self.upload = upload

    async def open(self) -> None:
        """Become the one who writes. Raises UploadBusy, UploadNotFound, OffsetMismatch."""
        upload = self.upload
        self._writer = await run_in_threadpool(
            self._context.uploads.open, upload.id, upload.offset, checkpoints=self._sound
        )
        promised = [Expected.of(upload.expected)] if upload.expected else []
        self._sink = SafetensorsSink(
            lambda: self._writer, self._context.settings, lambda _: None, promised, announced=upload.length
        )

    async def receive(self, request: Request, sender: Sender) -> None:
        """Take the body; see `append`."""
        try:
            sender.waits()
            async for chunk in request.stream():
                sender.works()
                await self._put(chunk)
                sender.waits()
            sender.works()
            await self._complete()
        except ClientDisconnect as error:
            raise MalformedUpload(
                "The connection closed before the body was complete. Ask for the offset (HEAD) and go on from there."
            ) from error
        finally:
            sender.ends()
            await self._close()

    async def _put(self, chunk: bytes) -> None:
        if len(chunk) > self._left:
            raise MalformedUpload(f"The body has more bytes than Upload-Length says: {self.upload.length}.")
        self._left -= len(chunk)
        for item in self._checksums:
            await run_in_threadpool(item.update, chunk)
        if self._bad is None:
            try:
                await self._judged(self._sink.put(chunk))
            except OdemError as error:
                if not self._checksums:
                    raise
                # Damaged bytes look like a bad file: the checksum, at the end, tells one from the other.
                self._bad = error

    async def _complete(self) -> None:
        for item in self._checksums:
            item.check_piece()
        self._sound = True
        if self._bad is not None:
            raise self._bad
        if self._left == 0:
            await self._judged(self._sink.finish())
            await self._judged(self._sink.commit())

    async def _judged(self, step: Awaitable[T]) -> T:
        """Note whether what the sink raises means that the file itself is wrong."""
        try:
            return await step
        except (InvalidInput, TooLarge, DigestMismatch):
            self._hopeless = True
            raise

    async def _close(self) -> None:
        """Keep what is worth keeping, and let others write."""
        if self._sound and not self._hopeless:
            with suppress(OdemError):
                await self._judged(self._sink.drain())
        await self._sink.settle()
        ending: Callable[[], object] = self._writer.rewind
        if self._sound:
            ending = self._writer.abort if self._hopeless else self._writer.pause
        await run_in_threadpool(ending)
        self.upload = self._writer.upload
