"""Uploads in one request: a body that is one safetensors file, streamed into the blob store."""

from collections.abc import Callable
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from registry.blob import Blob
from registry.errors import BlobNotFound, MalformedUpload
from registry.safetensors_header import Header
from service.http.digest_fields import blob_digest, read_digests
from service.uploads.safetensors_stream import SafetensorsSink
from service.uploads.service import UploadService, announced, check_preconditions


async def receive_blob(service: UploadService, request: Request) -> tuple[Blob, bool]:
    """Store a raw body; returns the blob, and whether the body was read: a promised digest that is stored is not.

    Raises TooManyUploads, MalformedUpload, DigestMismatch, and what SafetensorsSink raises.
    """
    await service.attempt.check_fingerprint(body=blob_digest(read_digests(request.headers)))
    known = await find_promised(service, request)
    blob = known or await receive_file(service, request, lambda _: None)
    await service.attempt.bind_fingerprint(body=blob.digest)
    return blob, known is None


async def find_promised(service: UploadService, request: Request) -> Blob | None:
    """The stored blob whose digest the request's headers promise, if there is one."""
    if (digest := blob_digest(read_digests(request.headers))) is not None:
        with suppress(BlobNotFound):
            return await run_in_threadpool(service.blobs.touch, digest)
    return None


async def receive_file(service: UploadService, request: Request, check: Callable[[Header], None]) -> Blob:
    """Store a body that is one file. check: raises for a header that is not acceptable."""
    check_preconditions(service.blobs, request, service.settings.max_upload_bytes)
    sink = SafetensorsSink(
        service.blobs.create, service.settings, check, read_digests(request.headers), announced(request)
    )
    async with service.slot():
        try:
            async for chunk in request.stream():
                await sink.put(chunk)
            await sink.finish()
            return await sink.commit()
        except ClientDisconnect as error:
            raise MalformedUpload("The connection closed before the body was complete. Nothing was stored.") from error
        finally:
            await sink.abort()
