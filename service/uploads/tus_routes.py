"""Resumable uploads: tus 1.0 on /uploads.

Source: https://tus.io/protocols/resumable-upload
"""

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope

from registry import errors
from registry.api_key import Scope
from service.auth.request_state import request_state
from service.http.openapi_refs import binary_body
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.pipeline.dependencies import Settings
from service.pipeline.permissions import PUBLIC, idempotent, raises, requires, streams_body
from service.pipeline.route import GatewayRoute
from service.uploads import resumable, tus
from service.uploads.schemas import UploadView
from service.uploads.service import FILE_ERRORS, Uploads


class TusRoute(GatewayRoute):
    """A route whose every response, errors included, names the tus version."""

    async def handle(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """Handle a matched request, also one with a wrong method."""
        request_state(scope).headers["Tus-Resumable"] = tus.VERSION
        await super().handle(scope, receive, send)


router = APIRouter(route_class=TusRoute, prefix="/uploads", tags=["uploads"])
_BODY = binary_body(tus.MEDIA_TYPE, required=False)
_STATE = ("Upload-Offset", "Upload-Length", "Upload-Expires", "Upload-Blob")
_CREATED: Responses = {201: {"description": "The upload with its offset."} | headers("Location", *_STATE)}
_APPENDED: Responses = {204: {"description": "The bytes are stored."} | headers(*_STATE)}
_OFFSET_RESPONSES: Responses = {200: {"description": "The offset of the upload."} | headers(*_STATE)}
_CAPABILITIES: Responses = {
    204: {"description": "The supported version and extensions."}
    | headers("Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm")
}
_TUS_ERRORS = (errors.TusVersionUnsupported, errors.UploadNotFound, errors.UploadBusy)
_APPEND_ERRORS = (*FILE_ERRORS, errors.TusVersionUnsupported, errors.MediaTypeUnsupported, errors.ChecksumMismatch)


@router.options("", operation_id="getUploadOptions", status_code=204, response_class=Response, responses=_CAPABILITIES)
@requires(PUBLIC)
def get_upload_options(settings: Settings) -> Response:
    """List the supported tus extensions and the largest upload."""
    return Response(status_code=204, headers=tus.capabilities(settings.max_upload_bytes))


@router.post(
    "",
    operation_id="createUpload",
    status_code=201,
    response_class=Response,
    responses=_CREATED,
    openapi_extra=_BODY,
)
@requires(Scope.MERGE)
@idempotent(body="streamed")
@raises(*_APPEND_ERRORS, errors.TooManyUploads)
async def create_upload(request: Request, uploads: Uploads) -> Response:
    """Create a resumable upload of Upload-Length bytes; the body may carry its first bytes."""
    tus.check_version(request.headers)
    upload = await resumable.create(uploads, request)
    return Response(status_code=201, headers=tus.standing(upload) | {"Location": f"/uploads/{upload.id}"})


@router.head("/{upload_id}", operation_id="headUpload", response_class=Response, responses=_OFFSET_RESPONSES)
@requires(Scope.MERGE)
@raises(*_TUS_ERRORS)
async def head_upload(upload_id: str, request: Request, uploads: Uploads) -> Response:
    """Get the number of bytes stored: continue from there. Stops a request that still writes to the upload."""
    tus.check_version(request.headers)
    return Response(headers=tus.standing(await resumable.stop_writer(uploads, upload_id)))


@router.get("/{upload_id}", operation_id="getUpload")
@requires(Scope.MERGE)
@raises(errors.UploadNotFound)
def get_upload(upload_id: str, uploads: Uploads) -> UploadView:
    """Get an upload as JSON; once it is complete, with the digest of its blob."""
    return UploadView.from_upload(resumable.find(uploads, upload_id))


@router.patch(
    "/{upload_id}",
    operation_id="appendUpload",
    status_code=204,
    response_class=Response,
    responses=_APPENDED,
    openapi_extra=_BODY,
)
@requires(Scope.MERGE)
@streams_body
@raises(*_APPEND_ERRORS, errors.UploadNotFound, errors.OffsetMismatch, errors.UploadBusy)
async def append_upload(upload_id: str, request: Request, uploads: Uploads) -> Response:
    """Send bytes from Upload-Offset on. With the last byte the upload becomes a blob.

    Of two requests that write to one upload the newer one wins: the older one stops (423), and its bytes are kept.
    """
    tus.check_version(request.headers)
    tus.check_media_type(request.headers)
    offset = tus.read_size(request.headers, "Upload-Offset")
    return Response(status_code=204, headers=tus.standing(await resumable.append(uploads, request, upload_id, offset)))


@router.delete("/{upload_id}", operation_id="endUpload", status_code=204, response_class=Response)
@requires(Scope.MERGE)
@raises(*_TUS_ERRORS)
async def end_upload(upload_id: str, request: Request, uploads: Uploads) -> Response:
    """Delete an upload. A blob that it has become stays."""
    tus.check_version(request.headers)
    await resumable.delete(uploads, upload_id)
    return Response(status_code=204)


@router.post("/{upload_id}", include_in_schema=False)
@requires(Scope.MERGE)
@streams_body
async def override_method(upload_id: str, request: Request, uploads: Uploads) -> Response:
    """PATCH or DELETE for clients whose network allows only POST. Source: tus 1.0, X-HTTP-Method-Override."""
    method = request.headers.get("x-http-method-override", "").upper()
    if method == "PATCH":
        return await append_upload(upload_id, request, uploads)
    if method == "DELETE":
        return await end_upload(upload_id, request, uploads)
    return Response(status_code=405, headers={"Allow": "HEAD, GET, PATCH, DELETE"})
