"""Removal of a task from a lineage."""

from fastapi import APIRouter, Response

from registry.api_key import Scope
from registry.errors import BlobNotFound, CheckpointDiffers, LineageNotFound, MethodUnavailable, TaskNotFound
from service.auth.rate_limits import MergeQuota
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.merges.removal import Removal
from service.merges.schemas import MergeView, RemovalRequest
from service.pipeline.permissions import idempotent, needs_storage, raises, requires, reserves
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, prefix="/lineages/{name}", tags=["merges"])

_QUEUED: Responses = {202: {"description": "The queued merge."} | headers("Location")}


@router.post("/tasks/{task}/removal", operation_id="removeTask", status_code=202, responses=_QUEUED)
@requires(Scope.ADMIN)
@idempotent()
@needs_storage
@reserves(MergeQuota)
@raises(LineageNotFound, TaskNotFound, MethodUnavailable, CheckpointDiffers, BlobNotFound)
def remove_task(
    name: str, task: str, response: Response, removal: Removal, asked: RemovalRequest | None = None
) -> MergeView:
    """Queue a merge that takes a task out of the head exactly: the new version is as if it had never been merged."""
    merge = removal.queue(name, task, asked.checkpoint if asked is not None else None)
    response.headers["Location"] = f"/merges/{merge.id}"
    return MergeView.from_merge(merge)
