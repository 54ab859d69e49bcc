"""Blobs, sent apart from a merge."""

from typing import Any

from fastapi import APIRouter, Request, Response

from registry.errors import (
    BlobNotFound,
    DigestMismatch,
    EncodingUnsupported,
    MalformedUpload,
    NotSafetensors,
    PickleRefused,
    SenderTooSlow,
    StorageFull,
    TooLarge,
    TooManyUploads,
)
from service.http.digest_fields import repr_digest
from service.http.problem_responses import Responses, problems
from service.http.response_headers import headers
from service.merges.ingest import receive_blob
from service.models.weights_response import SAFETENSORS_MEDIA_TYPE
from service.pipeline.context import Ctx
from service.schemas import BlobView

router = APIRouter(tags=["blobs"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {SAFETENSORS_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}
_FOUND: Responses = {200: {"description": "The server has it."} | headers("ETag", "Content-Length", "Repr-Digest")}
_KNOWN: Responses = {200: {"model": BlobView, "description": "These bytes were here already."}}


@router.post(
    "/blobs",
    operation_id="createBlob",
    status_code=201,
    responses=_KNOWN
    | problems(
        MalformedUpload,
        SenderTooSlow,
        TooLarge,
        EncodingUnsupported,
        NotSafetensors,
        PickleRefused,
        DigestMismatch,
        TooManyUploads,
        StorageFull,
    ),
    openapi_extra=_BODY,
)
async def create_blob(request: Request, response: Response, context: Ctx) -> BlobView:
    """Send a safetensors file as the raw body; the same bytes again give the same digest.

    With Repr-Digest the bytes are verified; a body whose digest is stored already is not read (200).
    """
    blob, was_read = await receive_blob(context, request)
    response.headers["Location"] = f"/blobs/{blob.digest}"
    if not was_read:
        response.status_code = 200
    return BlobView(**dict(blob))


@router.head(
    "/blobs/{digest}", operation_id="headBlob", response_class=Response, responses=_FOUND | problems(BlobNotFound)
)
def head_blob(digest: str, context: Ctx) -> Response:
    """Whether the server has a blob: 200 with its size, or 404."""
    blob = context.blobs.touch(digest)
    return Response(
        headers={"Content-Length": str(blob.size), "ETag": f'"{blob.digest}"', "Repr-Digest": repr_digest(blob.digest)}
    )
