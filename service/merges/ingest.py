"""Bodies of POST /merge: multipart, raw checkpoint, or JSON that names uploaded blobs. Files are streamed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from registry.blob import Blob
from registry.errors import InvalidRecord, MalformedUpload
from registry.merge import Merge
from service.auth.rate_limits import MergeQuota
from service.auth.scoped_stores import Stores
from service.http.digest_fields import Expected, blob_digest, read_digests
from service.http.multipart import Part, read_bounded, read_parts
from service.merges.notify import WorkerNotifier
from service.merges.schemas import MergeQuery, MergeRequest
from service.merges.validation import MergeValidation
from service.pipeline.dependencies import scoped_stores, services_of
from service.pipeline.idempotency import digest_of
from service.uploads.safetensors_stream import SafetensorsSink
from service.uploads.service import UploadService, check_preconditions, upload_service
from service.uploads.single import find_promised, receive_file
from service.uploads.stored_headers import stored_header


@dataclass(frozen=True)
class MergeIngest:
    """Receives the merges of one request."""

    stores: Stores
    uploads: UploadService
    quota: MergeQuota
    notifier: WorkerNotifier

    async def receive_multipart(self, request: Request, cancel_at: datetime | None) -> Merge:
        """A multipart body: the JSON part `merge`, then `checkpoint` and, for methods that need it, `calibration`."""
        check_preconditions(self.stores.blobs, request)
        files: dict[str, SafetensorsSink] = {}
        async with self.uploads.slot():
            try:
                validation = await self._receive_parts(read_parts(request), files)
                checkpoint, sample = files["checkpoint"], files.get("calibration")
                blob = await checkpoint.commit()
                calibration = await sample.commit() if sample else None
                digest = calibration.digest if calibration else None
                await self.uploads.attempt.bind_fingerprint(checkpoint=blob.digest, calibration=digest)
                return await run_in_threadpool(self._enqueue, validation, blob, calibration, cancel_at)
            finally:
                for sink in files.values():
                    await sink.abort()

    async def receive_raw(self, request: Request, query: MergeQuery, cancel_at: datetime | None) -> Merge:
        """A raw body, which is the checkpoint; the query may name a calibration blob.

        The query, and the header of a stored checkpoint whose digest is promised, are checked before the body is read.
        """
        for name in ("task", "lineage", "method", "utility", "calibration"):
            if len(request.query_params.getlist(name)) > 1:
                raise InvalidRecord(f"The query parameter {name} occurs more than once. Send it once.")
        validation = await run_in_threadpool(self._validate, query.request())
        calibration = await run_in_threadpool(self._named_calibration, validation)
        validation.check_complete(has_calibration=calibration is not None)
        promised = blob_digest(read_digests(request.headers))
        await self.uploads.attempt.check_fingerprint(checkpoint=promised)
        blob = await find_promised(self.uploads, request)
        if blob is not None:
            await run_in_threadpool(self._check_stored, validation, blob.digest)
        else:
            blob = await receive_file(self.uploads, request, validation.check_checkpoint)
        await self.uploads.attempt.bind_fingerprint(checkpoint=blob.digest)
        return await run_in_threadpool(self._enqueue, validation, blob, calibration, cancel_at)

    async def receive_json(self, request: Request, cancel_at: datetime | None) -> Merge:
        """A JSON body that names blobs uploaded before."""
        document = await read_bounded(request.stream(), self.uploads.settings.max_json_bytes)
        await self.uploads.attempt.bind_fingerprint(body=digest_of(document))
        return await run_in_threadpool(self._enqueue_blobs, MergeRequest.parse(document), cancel_at)

    async def _receive_parts(self, parts: AsyncIterator[Part], files: dict[str, SafetensorsSink]) -> MergeValidation:
        """Read all parts, and put those that are files into `files`."""
        attempt, validation = self.uploads.attempt, None
        async for part in parts:
            if part.name == "merge" and validation is None:
                document = await read_bounded(part, self.uploads.settings.max_json_bytes)
                await attempt.check_fingerprint(merge=digest_of(document))
                asked = MergeRequest.parse(document)
                validation = await run_in_threadpool(self._validate, asked)
                await attempt.check_fingerprint(checkpoint=asked.checkpoint, calibration=asked.calibration)
                continue
            if part.name not in {"checkpoint", "calibration"}:
                raise MalformedUpload(
                    f"Unknown part {part.name[:50]!r}: a merge has the parts merge, checkpoint and calibration, once "
                    "each."
                )
            if validation is None:
                raise MalformedUpload(f"The JSON part 'merge' must come before the part {part.name!r}.")
            if part.name in files:
                raise MalformedUpload(f"The part {part.name!r} occurs twice.")
            await attempt.check_fingerprint(**{part.name: blob_digest(part.digests)})
            files[part.name] = sink = self._sink(part, validation)
            async for chunk in part:
                await sink.put(chunk)
            await sink.finish()
            if part.name == "calibration":
                await run_in_threadpool(validation.check_labels, sink.header, sink.read)
        if validation is None or "checkpoint" not in files:
            raise MalformedUpload(
                "A merge needs the parts 'merge' (JSON) and 'checkpoint' (safetensors), in this order."
            )
        validation.check_complete(has_calibration="calibration" in files)
        return validation

    def _sink(self, part: Part, validation: MergeValidation) -> SafetensorsSink:
        is_checkpoint = part.name == "checkpoint"
        check = validation.check_checkpoint if is_checkpoint else validation.check_calibration
        promised = getattr(validation.request, part.name)
        expected = [*part.digests, *([Expected.from_digest(promised)] if promised else [])]
        return SafetensorsSink(self.stores.blobs.create, self.uploads.settings, check, expected)

    def _validate(self, asked: MergeRequest) -> MergeValidation:
        return MergeValidation(self.stores, self.uploads.settings, asked)

    def _check_stored(self, validation: MergeValidation, digest: str) -> None:
        validation.check_checkpoint(stored_header(self.stores.blobs, digest, self.uploads.settings))

    def _enqueue_blobs(self, asked: MergeRequest, cancel_at: datetime | None) -> Merge:
        validation = self._validate(asked)
        if asked.checkpoint is None:
            raise InvalidRecord(
                "A JSON body must name its checkpoint by digest. Send the file itself as multipart/form-data, or "
                "first to POST /blobs."
            )
        self._check_stored(validation, asked.checkpoint)
        calibration = self._named_calibration(validation)
        return self._enqueue(validation, self.stores.blobs.touch(asked.checkpoint), calibration, cancel_at)

    def _named_calibration(self, validation: MergeValidation) -> Blob | None:
        """The calibration blob that the request names, checked."""
        digest = validation.request.calibration
        if digest is None:
            return None
        calibration = self.stores.blobs.touch(digest)
        header = stored_header(self.stores.blobs, digest, self.uploads.settings)
        validation.check_calibration(header)
        with self.stores.blobs.path(digest).open("rb") as file:

            def read(start: int, length: int) -> bytes:
                file.seek(start)
                return file.read(length)

            validation.check_labels(header, read)
        return calibration

    def _enqueue(
        self, validation: MergeValidation, checkpoint: Blob, calibration: Blob | None, cancel_at: datetime | None
    ) -> Merge:
        """Reserve the quota, store the merge, then notify a worker. Returns the queued merge."""
        validation.check_complete(has_calibration=calibration is not None)
        merge = validation.merge(self.uploads.attempt.seed, checkpoint, calibration, cancel_at)
        self.quota.reserve(self.stores.caller, merge.lineage, merge.id)
        queued = self.stores.merges.enqueue(merge, self.uploads.settings.max_queued_merges)
        self.notifier.notify(merge.lineage)
        return queued


async def _merge_ingest(request: Request) -> MergeIngest:
    services = services_of(request)
    return MergeIngest(
        stores=await scoped_stores(request),
        uploads=await upload_service(request),
        quota=services.get(MergeQuota),
        notifier=services.get(WorkerNotifier),
    )


Ingest = Annotated[MergeIngest, Depends(_merge_ingest)]
