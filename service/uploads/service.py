"""What uploads need: stores and limits, checks before 100 Continue, and the errors that they raise."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from registry import errors
from registry.blobs.store import BlobStore, UploadStore
from service.auth.api_keys import Caller
from service.pipeline.dependencies import scoped_stores, services_of
from service.pipeline.idempotency import Attempt, attempt_of
from service.settings import GatewaySettings
from service.uploads.writer_lock import WriterLocks

FILE_ERRORS = (
    errors.MalformedUpload,
    errors.SenderTooSlow,
    errors.TooLarge,
    errors.EncodingUnsupported,
    errors.NotSafetensors,
    errors.PickleRefused,
    errors.DigestMismatch,
    errors.StorageFull,
)
"""Errors of every request whose body is a safetensors file or a part of one."""


class UploadLimit:
    """Counts request bodies in progress by owner, for one event loop.

    per_owner: maximum number for each owner.
    """

    def __init__(self, per_owner: int) -> None:
        self.per_owner = per_owner
        self.taken: Counter[str] = Counter()


@dataclass(frozen=True)
class UploadService:
    """What one request uploads with."""

    settings: GatewaySettings
    blobs: BlobStore
    uploads: UploadStore
    caller: Caller
    attempt: Attempt
    limit: UploadLimit
    locks: WriterLocks

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Count a body against its owner's concurrency limit while the block runs. Raises TooManyUploads."""
        owner, taken = self.caller.identity, self.limit.taken
        if await run_in_threadpool(self.uploads.count, owner) + taken[owner] >= self.limit.per_owner:
            raise errors.TooManyUploads(self.limit.per_owner)
        taken[owner] += 1
        try:
            yield
        finally:
            taken[owner] -= 1
            if not taken[owner]:
                del taken[owner]


def announced(request: Request) -> int:
    """The body's size in bytes according to Content-Length, 0 without it."""
    return int(request.headers.get("content-length") or 0)


def check_preconditions(blobs: BlobStore, request: Request, limit: int | None = None) -> None:
    """Refuse a file that cannot be stored. Raises EncodingUnsupported, TooLarge, StorageFull.

    It reads headers only, so a client that expects 100 Continue sends no body. Source: RFC 9110, section 10.1.1.
    limit: bytes, where a file may be smaller than any request body.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise errors.EncodingUnsupported(encoding)
    size = announced(request)
    if limit is not None and size > limit:
        raise errors.TooLarge(f"The file has {size} bytes; at most {limit} are allowed (ODEM_MAX_UPLOAD_BYTES).")
    blobs.check_room(size)


async def upload_service(request: Request) -> UploadService:
    """The service for one request."""
    stores, services = await scoped_stores(request), services_of(request)
    return UploadService(
        settings=services.get(GatewaySettings),
        blobs=stores.blobs,
        uploads=stores.uploads,
        caller=stores.caller,
        attempt=attempt_of(request.scope),
        limit=services.get(UploadLimit),
        locks=services.get(WriterLocks),
    )


Uploads = Annotated[UploadService, Depends(upload_service)]
