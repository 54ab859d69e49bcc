"""POST /merge and the merges that it makes."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from registry.errors import (
    BlobNotFound,
    CalibrationInvalid,
    DigestMismatch,
    EncodingUnsupported,
    LineageNotFound,
    MalformedUpload,
    MediaTypeUnsupported,
    MergeEnded,
    MergeNotFound,
    MethodUnavailable,
    NotSafetensors,
    PickleRefused,
    SenderTooSlow,
    StorageFull,
    TensorMismatch,
    TooLarge,
    TooManyUploads,
)
from registry.version import DEFAULT_LINEAGE
from service.context import Ctx
from service.downloads import SAFETENSORS_MEDIA_TYPE
from service.intake import receive_merge, receive_merge_of_blobs, receive_raw_merge
from service.openapi import reference
from service.routes.headers import headers
from service.routes.problems import Responses, problems
from service.schemas import MergePage, MergeRequest, MergeView

router = APIRouter(tags=["merges"])

_FILE = {"type": "string", "format": "binary"}
_RAW = {SAFETENSORS_MEDIA_TYPE, "application/octet-stream"}
_QUERY = [
    {"name": name, "in": "query", "required": False, "description": f"Of a raw body: {meaning}", "schema": schema}
    for name, meaning, schema in (
        ("task", "the task's name; it is needed then.", {"type": "string"}),
        ("lineage", "which lineage.", {"type": "string"}),
        ("method", "the recipe's method.", {"type": "string"}),
        ("utility", "the task's importance.", {"type": "number"}),
        ("calibration", "digest of a calibration blob sent before.", {"type": "string"}),
        ("classname", "the class names, in order.", {"type": "array", "items": {"type": "string"}}),
        ("template", "the prompt templates.", {"type": "array", "items": {"type": "string"}}),
        ("label", "labels, each `key:value`.", {"type": "array", "items": {"type": "string"}}),
    )
]
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["merge", "checkpoint"],
                    "properties": {
                        "merge": reference(MergeRequest.__name__),
                        "checkpoint": _FILE | {"description": "safetensors: full state dict or its `visual.` part"},
                        "calibration": _FILE | {"description": "safetensors: images uint8 [N,3,H,W], labels int64 [N]"},
                    },
                },
                "encoding": {"merge": {"contentType": "application/json"}},
            },
            "application/json": {"schema": reference(MergeRequest.__name__)},
            SAFETENSORS_MEDIA_TYPE: {"schema": _FILE},
        },
    }
}
_ACCEPTED: Responses = {202: {"description": "The merge, as it is queued."} | headers("Location")}
_REFUSED = problems(
    MalformedUpload,
    LineageNotFound,
    BlobNotFound,
    SenderTooSlow,
    TooLarge,
    TooManyUploads,
    MediaTypeUnsupported,
    EncodingUnsupported,
    DigestMismatch,
    NotSafetensors,
    PickleRefused,
    TensorMismatch,
    CalibrationInvalid,
    MethodUnavailable,
    StorageFull,
)


@router.post(
    "/merge",
    operation_id="createMerge",
    status_code=202,
    responses=_ACCEPTED | _REFUSED,
    openapi_extra=_BODY | {"parameters": _QUERY},
)
async def create_merge(request: Request, response: Response, context: Ctx) -> MergeView:
    """Send a fine-tuned checkpoint to be merged into a lineage's head."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        merge = await receive_merge(context, request)
    elif kind == "application/json":
        merge = await receive_merge_of_blobs(context, request)
    elif kind in _RAW or (not kind and "task" in request.query_params):
        merge = await receive_raw_merge(context, request)
    else:
        raise MediaTypeUnsupported(
            "POST /merge takes multipart/form-data (files), application/json (digests of blobs), or the checkpoint "
            f"itself as {SAFETENSORS_MEDIA_TYPE} with lineage, task and method in the query; not {kind[:60]!r}."
        )
    response.headers["Location"] = f"/merges/{merge.id}"
    return MergeView.of(merge)


@router.get("/merges/{merge_id}", operation_id="getMerge", responses=problems(MergeNotFound))
def get_merge(merge_id: str, context: Ctx) -> MergeView:
    """How a merge stands: state, live progress, and at its end the report or the problem."""
    return MergeView.of(context.state.get_merge(merge_id))


@router.get("/merges", operation_id="listMerges", responses=problems(LineageNotFound))
def list_merges(
    context: Ctx,
    lineage: Annotated[str, Query(description="Of which lineage.")] = DEFAULT_LINEAGE,
    limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> MergePage:
    """A lineage's merges, newest first, without their reports."""
    size = limit or context.settings.page_size
    found = context.state.list_merges(lineage, size, offset)
    views = [MergeView.of(merge, with_report=False) for merge in found]
    return MergePage(merges=views, next_offset=offset + size if len(found) == size else None)


@router.post(
    "/merges/{merge_id}/cancel",
    operation_id="cancelMerge",
    status_code=202,
    responses=problems(MergeNotFound, MergeEnded),
)
def cancel_merge(merge_id: str, context: Ctx) -> MergeView:
    """Cancel a queued merge at once; ask a running one to stop at its next step."""
    return MergeView.of(context.state.request_cancel(merge_id))
