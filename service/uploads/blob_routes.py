"""Blobs, uploaded apart from a merge."""

from fastapi import APIRouter, Request, Response

from registry import errors
from registry.api_key import Scope
from service.http.digest_fields import repr_digest
from service.http.openapi_refs import binary_body
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.pipeline.dependencies import ScopedStores
from service.pipeline.permissions import idempotent, raises, requires
from service.pipeline.route import GatewayRoute
from service.uploads.schemas import BlobView
from service.uploads.service import FILE_ERRORS, Uploads
from service.uploads.single import receive_blob

router = APIRouter(route_class=GatewayRoute, tags=["blobs"])

_HEAD_RESPONSES: Responses = {
    200: {"description": "The blob is stored."} | headers("ETag", "Content-Length", "Repr-Digest")
}
_CREATED: Responses = {
    200: {"model": BlobView, "description": "The blob was stored before; the body was not read."},
    201: {"description": "The blob is stored."} | headers("Location"),
}


@router.post("/blobs", operation_id="createBlob", status_code=201, responses=_CREATED, openapi_extra=binary_body())
@requires(Scope.MERGE)
@idempotent(body="streamed")
@raises(*FILE_ERRORS, errors.TooManyUploads)
async def create_blob(request: Request, response: Response, uploads: Uploads) -> BlobView:
    """Upload a safetensors file as the raw body; the same bytes again give the same digest.

    With Repr-Digest the bytes are verified; a body whose digest is already stored is not read (200).
    """
    blob, was_read = await receive_blob(uploads, request)
    response.headers["Location"] = f"/blobs/{blob.digest}"
    if not was_read:
        response.status_code = 200
    return BlobView(**dict(blob))


@router.head("/blobs/{digest}", operation_id="headBlob", response_class=Response, responses=_HEAD_RESPONSES)
@requires(Scope.MERGE)
@raises(errors.BlobNotFound)
def head_blob(digest: str, stores: ScopedStores) -> Response:
    """Ask whether a blob is stored: 200 with its size, or 404."""
    blob = stores.blobs.touch(digest)
    return Response(
        headers={"Content-Length": str(blob.size), "ETag": f'"{blob.digest}"', "Repr-Digest": repr_digest(blob.digest)}
    )
