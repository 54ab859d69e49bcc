"""Blobs, sent apart from a merge."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.context import Ctx
from service.downloads import SAFETENSORS_MEDIA_TYPE
from service.intake import receive_blob
from service.routes.problems import problems
from service.schemas import BlobView

router = APIRouter(tags=["blobs"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {SAFETENSORS_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/blobs", operation_id="createBlob", status_code=201, responses=problems(400, 413, 422, 507), openapi_extra=_BODY
)
async def create_blob(request: Request, context: Ctx) -> BlobView:
    """Send a safetensors file as the raw body; the same bytes again give the same digest."""
    return BlobView(**dict(await receive_blob(context, request)))


@router.head("/blobs/{digest}", operation_id="headBlob", responses=problems(404))
def head_blob(digest: str, context: Ctx) -> Response:
    """Whether the server has a blob: 200 with its size, or 404."""
    blob = context.blobs.touch(digest)
    return Response(headers={"Content-Length": str(blob.size), "ETag": f'"{blob.digest}"'})
