"""The stores and limits that uploads need, as a dependency of routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from registry.blobs.store import BlobStore, UploadStore
from service.auth.api_keys import Caller
from service.pipeline.dependencies import scoped_stores, services_of
from service.pipeline.idempotency import Attempt, attempt_of
from service.settings import GatewaySettings
from service.uploads.concurrency import UploadLimit
from service.uploads.writer_lock import WriterLocks


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
        owner = self.caller.identity
        with self.limit.slot(owner, besides=await run_in_threadpool(self.uploads.count, owner)):
            yield


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
