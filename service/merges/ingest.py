"""Bodies of POST /merge, POST /lineages and POST /blobs; files are streamed."""

from contextlib import suppress

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from registry.blob import Blob
from registry.errors import BlobNotFound, InvalidRecord, MalformedUpload
from registry.lineage import Lineage, LineageSpec
from registry.merge import Merge
from registry.recipe import describe
from service.http.digest_fields import Expected, blob_digest, read_digests
from service.http.multipart import read_parts
from service.merges.query_params import query_document
from service.merges.validation import MergeAdmission, blob_header, create_lineage
from service.pipeline.context import Context
from service.pipeline.idempotency import digest_of
from service.uploads.preconditions import announced, foresee
from service.uploads.safetensors_stream import JsonSink, SafetensorsSink, Sink

_CUT = "The connection closed before the body was complete. Nothing was stored."


async def receive_blob(context: Context, request: Request) -> tuple[Blob, bool]:
    """A raw safetensors body into the blob store, and whether it had to be read.

    A body whose digest is promised and stored already is not asked for.
    """
    expected = read_digests(request.headers)
    await context.attempt.foresee(body=blob_digest(expected))
    known = await _find(context, expected)
    if known is not None:
        await context.attempt.settle(body=known.digest)
        return known, False
    foresee(context, request, context.settings.max_upload_bytes)
    sink = SafetensorsSink(
        context.blobs.create, context.settings, check=lambda _: None, expected=expected, announced=announced(request)
    )
    blob = await _receive_file(context, request, sink)
    await context.attempt.settle(body=blob.digest)
    return blob, True


async def _find(context: Context, expected: list[Expected]) -> Blob | None:
    digest = blob_digest(expected)
    if digest is not None:
        with suppress(BlobNotFound):
            return await run_in_threadpool(context.blobs.touch, digest)
    return None


async def _receive_file(context: Context, request: Request, sink: SafetensorsSink) -> Blob:
    """A body that is one file. Raises TooManyUploads, MalformedUpload, and what the sink raises."""
    owner = context.caller.identity
    with context.slots.taken(owner, besides=await run_in_threadpool(context.uploads.count, owner)):
        try:
            async for chunk in request.stream():
                await sink.put(chunk)
            await sink.finish()
            return await sink.commit()
        except ClientDisconnect as error:
            raise MalformedUpload(_CUT) from error
        finally:
            await sink.abort()


async def read_json(context: Context, request: Request) -> bytes:
    """A JSON body of bounded size."""
    sink = JsonSink(context.settings.max_json_bytes)
    async for chunk in request.stream():
        await sink.put(chunk)
    return bytes(sink.data)


async def receive_merge(context: Context, request: Request) -> Merge:
    """A merge as multipart: the JSON part `merge`, then `checkpoint` and, for methods that need it, `calibration`."""
    foresee(context, request)
    parts = _MergeParts(context)
    owner = context.caller.identity
    with context.slots.taken(owner, besides=await run_in_threadpool(context.uploads.count, owner)):
        try:
            await read_parts(request, parts.begin, parts.end)
            return await parts.accept()
        finally:
            await parts.abort()


async def receive_raw_merge(context: Context, request: Request) -> Merge:
    """A merge whose body is the checkpoint; its query says the rest, and may name a calibration blob sent before.

    All that the query says, and all that a promised digest tells of a checkpoint that is stored already, is checked
    before the body is asked for.
    """
    document = query_document(request.query_params)
    admission = await run_in_threadpool(MergeAdmission, context, document)
    calibration = await run_in_threadpool(_named_calibration, context, admission)
    admission.check_complete(has_calibration=calibration is not None)
    expected = read_digests(request.headers)
    await context.attempt.foresee(checkpoint=blob_digest(expected))
    blob = await _find(context, expected)
    if blob is not None:
        admission.check_checkpoint(await run_in_threadpool(blob_header, context, blob.digest))
    else:
        foresee(context, request, context.settings.max_upload_bytes)
        check, size = admission.check_checkpoint, announced(request)
        sink = SafetensorsSink(context.blobs.create, context.settings, check, expected, size)
        blob = await _receive_file(context, request, sink)
    await context.attempt.settle(checkpoint=blob.digest)
    return await run_in_threadpool(admission.accept, blob, calibration)


async def receive_merge_of_blobs(context: Context, request: Request) -> Merge:
    """A merge as a JSON body that names blobs which were sent before."""
    document = await read_json(context, request)
    await context.attempt.settle(body=digest_of(document))
    return await run_in_threadpool(_accept_blobs, context, document)


def _accept_blobs(context: Context, document: bytes) -> Merge:
    admission = MergeAdmission(context, document)
    asked = admission.request
    if asked.checkpoint is None:
        raise InvalidRecord(
            "A JSON body must name its checkpoint by digest. Send the file itself as multipart/form-data, or "
            "first to POST /blobs."
        )
    admission.check_checkpoint(blob_header(context, asked.checkpoint))
    calibration = _named_calibration(context, admission)
    return admission.accept(context.blobs.touch(asked.checkpoint), calibration)


def _named_calibration(context: Context, admission: MergeAdmission) -> Blob | None:
    """The calibration blob that the document names, checked."""
    digest = admission.request.calibration
    if digest is None:
        return None
    calibration = context.blobs.touch(digest)
    header = blob_header(context, digest)
    admission.check_calibration(header)
    with context.blobs.path(digest).open("rb") as file:

        def read(start: int, length: int) -> bytes:
            file.seek(start)
            return file.read(length)

        admission.check_labels(header, read)
    return calibration


class _MergeParts:
    """The parts of one POST /merge, in the order in which they come."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._document = JsonSink(context.settings.max_json_bytes)
        self._admission: MergeAdmission | None = None
        self._files: dict[str, SafetensorsSink] = {}

    async def begin(self, name: str, expected: list[Expected]) -> Sink:
        if name == "merge" and self._admission is None:
            return self._document
        if name not in {"checkpoint", "calibration"}:
            raise MalformedUpload(
                f"There is no part {name[:50]!r}: a merge has the parts merge, checkpoint and calibration, once each."
            )
        if self._admission is None:
            raise MalformedUpload(
                f"The JSON part 'merge' must come before the part {name!r}, so that it can be checked as it arrives."
            )
        if name in self._files:
            raise MalformedUpload(f"The part {name!r} came twice.")
        check = self._admission.check_checkpoint if name == "checkpoint" else self._admission.check_calibration
        await self._context.attempt.foresee(**{name: blob_digest(expected)})
        promised = getattr(self._admission.request, name)
        if promised is not None:
            expected = [*expected, Expected.of(promised)]
        self._files[name] = SafetensorsSink(self._context.blobs.create, self._context.settings, check, expected)
        return self._files[name]

    async def end(self, name: str) -> None:
        if name == "merge":
            document = bytes(self._document.data)
            await self._context.attempt.foresee(merge=digest_of(document))
            self._admission = await run_in_threadpool(MergeAdmission, self._context, document)
            asked = self._admission.request
            await self._context.attempt.foresee(checkpoint=asked.checkpoint, calibration=asked.calibration)
        elif name == "calibration" and self._admission is not None:
            sink = self._files[name]
            await run_in_threadpool(self._admission.check_labels, sink.header, sink.read)

    async def accept(self) -> Merge:
        if self._admission is None or "checkpoint" not in self._files:
            raise MalformedUpload(
                "A merge needs the parts 'merge' (JSON) and 'checkpoint' (safetensors), in this order."
            )
        checkpoint, calibration = self._files["checkpoint"], self._files.get("calibration")
        self._admission.check_complete(has_calibration=calibration is not None)
        blob = await checkpoint.commit()
        sample = await calibration.commit() if calibration else None
        await self._context.attempt.settle(checkpoint=blob.digest, calibration=sample.digest if sample else None)
        return await run_in_threadpool(self._admission.accept, blob, sample)

    async def abort(self) -> None:
        for sink in self._files.values():
            await sink.abort()


async def receive_lineage(context: Context, request: Request) -> Lineage:
    """A lineage as a JSON body that names a base which was sent before."""
    spec = _lineage_spec(await read_json(context, request))
    return await run_in_threadpool(create_lineage, context, spec)


def _lineage_spec(document: bytes) -> LineageSpec:
    try:
        return LineageSpec.model_validate_json(document)
    except ValidationError as error:
        raise InvalidRecord(f"The lineage document is not valid: {describe(error)}") from error
