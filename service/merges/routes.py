"""POST /merge and the merges that it creates."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from registry import errors
from registry.api_key import Scope
from registry.merge import Merge, MergeState
from registry.version import DEFAULT_LINEAGE
from service.auth.rate_limits import MergeQuota
from service.events.waiting import Feed, wait_for_end
from service.http.openapi_refs import BINARY, SAFETENSORS_MEDIA_TYPE, reference
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.merges.ingest import Ingest
from service.merges.request_headers import read_deadline, read_wait
from service.merges.schemas import MergePage, MergeQuery, MergeRequest, MergeView
from service.pipeline.dependencies import ScopedStores
from service.pipeline.pagination import PAGE, RequestedPage
from service.pipeline.permissions import idempotent, needs_storage, raises, requires, reserves
from service.pipeline.route import GatewayRoute
from service.uploads.service import FILE_ERRORS

router = APIRouter(route_class=GatewayRoute, tags=["merges"])

_POLL_SECONDS = 1
_RAW = {SAFETENSORS_MEDIA_TYPE, "application/octet-stream"}
_PARTS: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["merge", "checkpoint"],
        "properties": {
            "merge": reference(MergeRequest),
            "checkpoint": BINARY | {"description": "safetensors: a full state dict, or its part `visual.`"},
            "calibration": BINARY | {"description": "safetensors: images uint8 [N, 3, H, W], labels int64 [N]"},
        },
    },
    "encoding": {"merge": {"contentType": "application/json"}},
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": _PARTS,
            "application/json": {"schema": reference(MergeRequest)},
            SAFETENSORS_MEDIA_TYPE: {"schema": BINARY},
        },
    }
}
_ACCEPTED: Responses = {
    200: {"model": MergeView, "description": "The merge, which ended within the time of `Prefer: wait=n`."}
    | headers("Location", "Preference-Applied"),
    202: {"description": "The queued or running merge."} | headers("Location", "Preference-Applied", "Retry-After"),
}
_GET_RESPONSES: Responses = {200: {"description": "The merge."} | headers("Preference-Applied", "Retry-After")}
Prefer = Annotated[
    str | None,
    Header(
        description="`wait=n`: respond when the merge has ended, at the latest after n seconds.", examples=["wait=10"]
    ),
]
CancelAfter = Annotated[
    str | None,
    Header(description="Cancel the merge unless it has ended after this time, such as `90s`, `5m`, `1h30m`."),
]


@router.post("/merge", operation_id="createMerge", status_code=202, responses=_ACCEPTED, openapi_extra=_BODY)
@requires(Scope.MERGE)
@idempotent(body="streamed")
@needs_storage
@reserves(MergeQuota)
@raises(
    *FILE_ERRORS,
    *(errors.TooManyUploads, errors.MediaTypeUnsupported, errors.LineageNotFound, errors.BlobNotFound),
    *(errors.TensorMismatch, errors.CalibrationInvalid, errors.MethodUnavailable),
)
async def create_merge(
    request: Request,
    response: Response,
    ingest: Ingest,
    feed: Feed,
    query: Annotated[MergeQuery, Query()],
    prefer: Prefer = None,
    cancel_after: CancelAfter = None,
) -> MergeView:
    """Send a fine-tuned checkpoint to be merged into a lineage's head."""
    cancel_at = read_deadline(cancel_after)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        merge = await ingest.receive_multipart(request, cancel_at)
    elif kind == "application/json":
        merge = await ingest.receive_json(request, cancel_at)
    elif kind in _RAW or (not kind and query.task is not None):
        merge = await ingest.receive_raw(request, query, cancel_at)
    else:
        raise errors.MediaTypeUnsupported(
            "POST /merge accepts multipart/form-data (files), application/json (digests of blobs), or the checkpoint "
            f"itself as {SAFETENSORS_MEDIA_TYPE} with lineage, task and method in the query; not {kind[:60]!r}."
        )
    response.headers["Location"] = f"/merges/{merge.id}"
    if wait := read_wait(prefer):
        merge = await wait_for_end(feed, merge.id, wait, response)
        # Without Prefer the status is 202 even for a merge that has already ended.
        response.status_code = 200 if merge.state.terminal else 202
    return _view(merge, response)


@router.get("/merges/{merge_id}", operation_id="getMerge", responses=_GET_RESPONSES)
@requires(Scope.READ)
@raises(errors.MergeNotFound)
async def get_merge(merge_id: str, response: Response, feed: Feed, prefer: Prefer = None) -> MergeView:
    """Get a merge: state, live progress, and at its end the report or the problem."""
    if wait := read_wait(prefer):
        return _view(await wait_for_end(feed, merge_id, wait, response), response)
    return _view(await feed.queries.merge(merge_id), response)


def _view(merge: Merge, response: Response) -> MergeView:
    if not merge.state.terminal:
        response.headers["Retry-After"] = str(_POLL_SECONDS)
    return MergeView.from_merge(merge)


@router.get("/merges", operation_id="listMerges", responses=PAGE)
@requires(Scope.READ)
@raises(errors.LineageNotFound)
async def list_merges(
    stores: ScopedStores,
    page: RequestedPage,
    lineage: Annotated[str, Query(description="The lineage whose merges to list.")] = DEFAULT_LINEAGE,
    state: Annotated[list[MergeState] | None, Query(description="Only merges in one of these states.")] = None,
    task: Annotated[str | None, Query(description="Only merges of this task.")] = None,
) -> MergePage:
    """List a lineage's merges, newest first, without their reports. A filtered page may be short and not the last."""
    listing = f"merges of {lineage}"
    before = page.position(listing, int)
    merges = await stores.queries.merges(lineage, page.size, before, frozenset(state or ()), task)
    views = [MergeView.from_merge(merge, with_report=False) for merge in merges.merges]
    return MergePage(merges=views, next=page.link_next(listing, merges.rest))


@router.post("/merges/{merge_id}/cancel", operation_id="cancelMerge", status_code=202)
@requires(Scope.MERGE)
@idempotent()
@raises(errors.MergeNotFound, errors.MergeEnded)
def cancel_merge(merge_id: str, stores: ScopedStores) -> MergeView:
    """Cancel a queued merge at once; stop a running one at its next step."""
    return MergeView.from_merge(stores.merges.request_cancel(merge_id))
