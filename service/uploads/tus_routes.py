"""Resumable uploads: tus 1.0 on /uploads.

Source: https://tus.io/protocols/resumable-upload
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from registry.errors import (
    ChecksumMismatch,
    DigestMismatch,
    EncodingUnsupported,
    MalformedUpload,
    MediaTypeUnsupported,
    NotSafetensors,
    OffsetMismatch,
    PickleRefused,
    SenderTooSlow,
    StorageFull,
    TooLarge,
    TooManyUploads,
    TusVersionUnsupported,
    UploadBusy,
    UploadNotFound,
)
from service.http.problem_responses import Responses, problems
from service.http.response_headers import headers
from service.pipeline.context import Ctx
from service.schemas import UploadView
from service.uploads import resumable, tus

router = APIRouter(prefix="/uploads", tags=["uploads"])
_BODY: dict[str, Any] = {
    "requestBody": {"content": {tus.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}
_STANDING = headers("Upload-Offset", "Upload-Length", "Upload-Expires", "Upload-Blob")
_BEGUN: Responses = {
    201: {"description": "The upload, as far as it has come."}
    | headers("Location", "Upload-Offset", "Upload-Length", "Upload-Expires", "Upload-Blob")
}
_APPENDED: Responses = {204: {"description": "The bytes are stored."} | _STANDING}
_FOUND: Responses = {200: {"description": "How far it has come."} | _STANDING}
_SPOKEN: Responses = {
    204: {"description": "What is spoken."}
    | headers("Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm")
}
_GONE = (UploadNotFound, TusVersionUnsupported)
_SENT = (
    TusVersionUnsupported,
    MediaTypeUnsupported,
    EncodingUnsupported,
    MalformedUpload,
    SenderTooSlow,
    TooLarge,
    NotSafetensors,
    PickleRefused,
    DigestMismatch,
    ChecksumMismatch,
    StorageFull,
)


@router.options(
    "", operation_id="getUploadOptions", status_code=204, response_class=Response, responses=_SPOKEN | problems()
)
def upload_options(context: Ctx) -> Response:
    """What of tus is spoken here, and the largest upload."""
    return Response(status_code=204, headers=tus.capabilities(context.settings.max_upload_bytes))


@router.post(
    "",
    operation_id="createUpload",
    status_code=201,
    response_class=Response,
    responses=_BEGUN | problems(*_SENT, TooManyUploads),
    openapi_extra=_BODY,
)
async def create_upload(request: Request, context: Ctx) -> Response:
    """Begin a resumable upload of Upload-Length bytes; its first bytes may come along."""
    tus.check_version(request.headers)
    upload = await resumable.create(context, request)
    return Response(status_code=201, headers=tus.standing(upload) | {"Location": f"/uploads/{upload.id}"})


@router.head(
    "/{upload_id}", operation_id="headUpload", response_class=Response, responses=_FOUND | problems(*_GONE, UploadBusy)
)
async def head_upload(upload_id: str, request: Request, context: Ctx) -> Response:
    """Number of bytes stored: continue from there. Stops a request that still writes to the upload."""
    tus.check_version(request.headers)
    return Response(headers=tus.standing(await resumable.stop_writer(context, upload_id)))


@router.get("/{upload_id}", operation_id="getUpload", responses=problems(UploadNotFound))
def get_upload(upload_id: str, context: Ctx) -> UploadView:
    """The same as JSON; once it is complete, the digest of its blob."""
    return UploadView.of(resumable.find(context, upload_id))


@router.patch(
    "/{upload_id}",
    operation_id="appendUpload",
    status_code=204,
    response_class=Response,
    responses=_APPENDED | problems(*_SENT, UploadNotFound, OffsetMismatch, UploadBusy),
    openapi_extra=_BODY,
)
async def append_upload(upload_id: str, request: Request, context: Ctx) -> Response:
    """Send bytes from Upload-Offset on. With the last one the upload becomes a blob.

    Of two requests that write to one upload the newer one wins: the older one stops (423), and its bytes are kept.
    """
    tus.check_version(request.headers)
    tus.check_media_type(request.headers)
    offset = tus.read_size(request.headers, "Upload-Offset")
    return Response(status_code=204, headers=tus.standing(await resumable.append(context, request, upload_id, offset)))


@router.delete(
    "/{upload_id}",
    operation_id="endUpload",
    status_code=204,
    response_class=Response,
    responses=problems(*_GONE, UploadBusy),
)
async def end_upload(upload_id: str, request: Request, context: Ctx) -> Response:
    """Forget an upload. A blob that it has become stays."""
    tus.check_version(request.headers)
    await resumable.delete(context, upload_id)
    return Response(status_code=204)


@router.post("/{upload_id}", include_in_schema=False)
async def override_method(upload_id: str, request: Request, context: Ctx) -> Response:
    """PATCH or DELETE for clients whose network lets only POST through. Source: tus 1.0, X-HTTP-Method-Override."""
    method = request.headers.get("x-http-method-override", "").upper()
    if method == "PATCH":
        return await append_upload(upload_id, request, context)
    if method == "DELETE":
        return await end_upload(upload_id, request, context)
    return Response(status_code=405, headers={"Allow": "HEAD, GET, PATCH, DELETE"})
