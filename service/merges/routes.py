"""POST /merge and the merges that it makes."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

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
from registry.merge import Merge, MergeState
from registry.version import DEFAULT_LINEAGE
from service.http.page_params import PAGE, Cursor, Limit
from service.http.pagination import link_next, read_cursor, write_cursor
from service.http.prefer import POLL_SECONDS, read_deadline, read_wait, wait_for_end
from service.http.problem_responses import Responses, problems
from service.http.response_headers import headers
from service.merges.ingest import receive_merge, receive_merge_of_blobs, receive_raw_merge
from service.models.weights_response import SAFETENSORS_MEDIA_TYPE
from service.operations.openapi import reference
from service.pipeline.context import Ctx
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
_ACCEPTED: Responses = {
    200: {"model": MergeView, "description": "The merge, which has ended within the time that Prefer asks to wait."}
    | headers("Location", "Preference-Applied"),
    202: {"description": "The merge, as it stands."} | headers("Location", "Preference-Applied", "Retry-After"),
}
_FOUND: Responses = {200: {"description": "The merge."} | headers("Preference-Applied", "Retry-After")}
Prefer = Annotated[
    str | None,
    Header(description="`wait=n`: answer when the merge has ended, or after n seconds.", examples=["wait=10"]),
]
CancelAfter = Annotated[
    str | None,
    Header(description="Cancel the merge if it has not ended after this time, such as `90s`, `5m`, `1h30m`."),
]
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
async def create_merge(
    request: Request, response: Response, context: Ctx, prefer: Prefer = None, cancel_after: CancelAfter = None
) -> MergeView:
    """Send a fine-tuned checkpoint to be merged into a lineage's head."""
    context = replace(context, cancel_at=read_deadline(cancel_after))
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
    wait = read_wait(prefer)
    merge = await wait_for_end(context, merge.id, wait, response)
    # Whoever did not ask to wait is told 202 of every merge, also of one that was quicker than this answer.
    if wait and merge.state.terminal:
        response.status_code = 200
    return _standing(merge, response)


@router.get("/merges/{merge_id}", operation_id="getMerge", responses=_FOUND | problems(MergeNotFound))
async def get_merge(merge_id: str, response: Response, context: Ctx, prefer: Prefer = None) -> MergeView:
    """How a merge stands: state, live progress, and at its end the report or the problem."""
    return _standing(await wait_for_end(context, merge_id, read_wait(prefer), response), response)


def _standing(merge: Merge, response: Response) -> MergeView:
    if not merge.state.terminal:
        response.headers["Retry-After"] = str(POLL_SECONDS)
    return MergeView.of(merge)


@router.get("/merges", operation_id="listMerges", responses=PAGE | problems(LineageNotFound))
async def list_merges(
    request: Request,
    response: Response,
    context: Ctx,
    lineage: Annotated[str, Query(description="Of which lineage.")] = DEFAULT_LINEAGE,
    state: Annotated[list[MergeState] | None, Query(description="Only merges in one of these states.")] = None,
    task: Annotated[str | None, Query(description="Only merges of this task.")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> MergePage:
    """A lineage's merges, newest first, without their reports. With filters a page may be shorter and still go on."""
    listing = f"merges of {lineage}"
    below = read_cursor(listing, cursor, int)
    size = limit or context.settings.page_size
    found = await context.reads.merges(lineage, size, below, frozenset(state or ()), task)
    following = None if found.rest is None else write_cursor(listing, found.rest)
    link_next(request, response, following)
    return MergePage(merges=[MergeView.of(merge, with_report=False) for merge in found.merges], next=following)


@router.post(
    "/merges/{merge_id}/cancel",
    operation_id="cancelMerge",
    status_code=202,
    responses=problems(MergeNotFound, MergeEnded),
)
def cancel_merge(merge_id: str, context: Ctx) -> MergeView:
    """Cancel a queued merge at once; ask a running one to stop at its next step."""
    return MergeView.of(context.state.request_cancel(merge_id))
