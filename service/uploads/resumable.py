"""Resumable uploads: create, append, read the offset, delete. `tus.py` reads and writes the protocol's headers."""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from registry import errors
from registry.base_record import now
from registry.upload import Upload
from service.http.digest_fields import Expected
from service.uploads import tus
from service.uploads.safetensors_stream import SafetensorsSink
from service.uploads.service import UploadService, announced, check_preconditions
from service.uploads.writer_lock import Writer

T = TypeVar("T")


async def create(service: UploadService, request: Request) -> Upload:
    """Create an upload and store the first bytes, if the request has a body. An error leaves no upload behind.

    Raises MalformedUpload, NotSafetensors, TooLarge, TooManyUploads, StorageFull, and what `append` raises.
    """
    length = tus.read_size(request.headers, "Upload-Length")
    largest = service.settings.max_upload_bytes
    if length > largest:
        raise errors.TooLarge(f"The upload has {length} bytes; at most {largest} are allowed (ODEM_MAX_UPLOAD_BYTES).")
    if length == 0:
        raise errors.NotSafetensors("Upload-Length is 0; an empty upload is not a safetensors file.")
    metadata, expected = tus.read_metadata(request.headers)
    has_body = announced(request) > 0 or "transfer-encoding" in request.headers
    if has_body:
        tus.check_media_type(request.headers)
        check_preconditions(service.blobs, request)
    await service.attempt.bind_fingerprint(upload=f"{length} {request.headers.get('upload-metadata', '')}")
    time = now()
    upload = Upload(
        id=secrets.token_hex(16),
        owner=service.caller.identity,
        length=length,
        metadata=metadata,
        expected=expected,
        created_at=time,
        expires_at=time,
    )
    stored = await run_in_threadpool(service.uploads.create, upload, service.limit.per_owner)
    if not has_body:
        return stored
    try:
        async with service.locks.hold(stored.id) as writer:
            return await _append(service, request, writer, stored, 0)
    except BaseException:
        # The client does not know its URL, so it could not continue it.
        with suppress(errors.UploadNotFound):
            await run_in_threadpool(service.uploads.delete, stored.id)
        raise


def find(service: UploadService, upload_id: str) -> Upload:
    """An upload of this owner, with its stored offset. Raises UploadNotFound."""
    upload = service.uploads.get(upload_id)
    if upload.owner != service.caller.identity:
        raise errors.UploadNotFound(upload_id)
    return upload


async def stop_writer(service: UploadService, upload_id: str) -> Upload:
    """An upload of this owner, with the offset from which to continue: a request that still writes to it is stopped.

    Raises UploadNotFound, UploadBusy.
    """
    upload = await run_in_threadpool(find, service, upload_id)
    if not service.locks.is_held(upload.id):
        return upload
    async with service.locks.hold(upload.id):
        return await run_in_threadpool(find, service, upload_id)


async def delete(service: UploadService, upload_id: str) -> None:
    """Delete an upload. Raises UploadNotFound, UploadBusy."""
    upload = await run_in_threadpool(find, service, upload_id)
    async with service.locks.hold(upload.id):
        await run_in_threadpool(service.uploads.delete, upload.id)


async def append(service: UploadService, request: Request, upload_id: str, offset: int) -> Upload:
    """Store the request's body from `offset` on; with the last byte the upload becomes a blob.

    A request that still writes to the upload is stopped first. Bytes that arrive before the connection is cut, or
    before a newer request stops this one, are stored, unless they have a checksum, which a part of them cannot match.
    An upload that is not a safetensors file, or not of its promised digest, is deleted.

    Raises OffsetMismatch, UploadBusy, UploadNotFound, ChecksumMismatch, DigestMismatch, NotSafetensors, TooLarge,
    StorageFull, MalformedUpload.
    """
    upload = await run_in_threadpool(find, service, upload_id)
    async with service.locks.hold(upload.id) as writer:
        upload = await run_in_threadpool(find, service, upload_id)
        return await _append(service, request, writer, upload, offset)


async def _append(service: UploadService, request: Request, writer: Writer, upload: Upload, offset: int) -> Upload:
    if upload.done or offset != upload.offset:
        if upload.done and offset == upload.offset and announced(request) == 0:
            return upload
        raise errors.OffsetMismatch(upload.offset, offset)
    if offset + announced(request) > upload.length:
        raise errors.MalformedUpload(
            f"{announced(request)} bytes from offset {offset} on exceed the Upload-Length of {upload.length}."
        )
    check_preconditions(service.blobs, request)
    piece = _Piece(service, upload, tus.read_checksums(request.headers))
    await piece.open()
    await piece.receive(request, writer)
    return piece.upload


class _Piece:
    """The body of one request, appended to an upload whose lock the request holds."""

    def __init__(self, service: UploadService, upload: Upload, checksums: list[Expected]) -> None:
        self._service = service
        self._checksums = checksums
        self._remaining = upload.length - upload.offset
        self._verified = not checksums
        self._deferred_error: errors.OdemError | None = None
        self._upload_invalid = False
        self.upload = upload

    async def open(self) -> None:
        """Open the upload for writing. Raises UploadBusy, UploadNotFound, OffsetMismatch."""
        upload = self.upload
        self._writer = await run_in_threadpool(
            self._service.uploads.open, upload.id, upload.offset, checkpoints=self._verified
        )
        promised = [Expected.from_digest(upload.expected)] if upload.expected else []
        self._sink = SafetensorsSink(
            lambda: self._writer, self._service.settings, lambda _: None, promised, announced=upload.length
        )

    async def receive(self, request: Request, writer: Writer) -> None:
        """Store the body; see `append`."""
        try:
            async for chunk in writer.read(request.stream()):
                await self._put(chunk)
            if writer.stop_requested:
                raise errors.UploadBusy(self.upload.id)
            await self._complete()
        except ClientDisconnect as error:
            raise errors.MalformedUpload(
                "The connection closed before the body was complete. Ask for the offset (HEAD) and continue from there."
            ) from error
        finally:
            await self._close()

    async def _put(self, chunk: bytes) -> None:
        if len(chunk) > self._remaining:
            raise errors.MalformedUpload(f"The body exceeds the Upload-Length of {self.upload.length} bytes.")
        self._remaining -= len(chunk)
        for item in self._checksums:
            await run_in_threadpool(item.update, chunk)
        if self._deferred_error is None:
            try:
                await self._checked(self._sink.put(chunk))
            except errors.OdemError as error:
                if not self._checksums:
                    raise
                # Corrupt bytes look like an invalid file: the checksum, at the end, distinguishes the two.
                self._deferred_error = error

    async def _complete(self) -> None:
        for item in self._checksums:
            item.check_piece()
        self._verified = True
        if self._deferred_error is not None:
            raise self._deferred_error
        if self._remaining == 0:
            await self._checked(self._sink.finish())
            await self._checked(self._sink.commit())

    async def _checked(self, step: Awaitable[T]) -> T:
        """Await a step, and note an error that makes the whole upload invalid."""
        try:
            return await step
        except (errors.InvalidInput, errors.TooLarge, errors.DigestMismatch):
            self._upload_invalid = True
            raise

    async def _close(self) -> None:
        """Store what was received, or discard it, and close the upload."""
        if self._verified and not self._upload_invalid:
            with suppress(errors.OdemError):
                await self._checked(self._sink.drain())
        await self._sink.wait_idle()
        ending: Callable[[], object] = self._writer.rewind
        if self._verified:
            ending = self._writer.abort if self._upload_invalid else self._writer.pause
        await run_in_threadpool(ending)
        self.upload = self._writer.upload
