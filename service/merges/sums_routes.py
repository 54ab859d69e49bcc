"""Merges that need no upload, from the sums of a lineage's head: removal, join and recomputation."""

from fastapi import APIRouter, Response

from registry.api_key import Scope
from registry.errors import (
    BlobNotFound,
    CheckpointDiffers,
    LineageNotFound,
    LineagesIncompatible,
    MethodUnavailable,
    TaskNotFound,
    VersionNotFound,
    VersionRetired,
)
from service.auth.rate_limits import MergeQuota
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.merges.join import queue_join
from service.merges.queueing import Queue
from service.merges.recomputation import queue_recomputation
from service.merges.removal import queue_removal
from service.merges.schemas import JoinRequest, MergeView, RecomputationRequest, RemovalRequest
from service.pipeline.permissions import idempotent, needs_storage, raises, requires, reserves
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, prefix="/lineages/{name}", tags=["merges"])

_QUEUED: Responses = {202: {"description": "The queued merge."} | headers("Location")}


@router.post("/tasks/{task}/removal", operation_id="removeTask", status_code=202, responses=_QUEUED)
@requires(Scope.ADMIN)
@idempotent()
@reserves(MergeQuota)
@needs_storage
@raises(LineageNotFound, TaskNotFound, MethodUnavailable, CheckpointDiffers, BlobNotFound)
def remove_task(
    name: str, task: str, response: Response, queue: Queue, asked: RemovalRequest | None = None
) -> MergeView:
    """Queue a merge that takes a task out of the head exactly: the new version is as if it had never been merged."""
    merge = queue_removal(queue, name, task, asked.checkpoint if asked is not None else None)
    response.headers["Location"] = f"/merges/{merge.id}"
    return MergeView.from_merge(merge)


@router.post("/join", operation_id="joinLineage", status_code=202, responses=_QUEUED)
@requires(Scope.ADMIN)
@idempotent()
@reserves(MergeQuota)
@needs_storage
@raises(LineageNotFound, VersionNotFound, VersionRetired, LineagesIncompatible, MethodUnavailable, BlobNotFound)
def join_lineage(name: str, response: Response, queue: Queue, asked: JoinRequest) -> MergeView:
    """Queue a merge that adds all tasks of another lineage of the same base to the head, exactly, by adding states."""
    merge = queue_join(queue, name, asked.lineage, asked.version)
    response.headers["Location"] = f"/merges/{merge.id}"
    return MergeView.from_merge(merge)


@router.post("/recomputation", operation_id="recomputeHead", status_code=202, responses=_QUEUED)
@requires(Scope.ADMIN)
@idempotent()
@needs_storage
@reserves(MergeQuota)
@raises(LineageNotFound, MethodUnavailable)
def recompute_head(name: str, response: Response, queue: Queue, asked: RecomputationRequest) -> MergeView:
    """Queue a merge that computes the head's weights anew from its state, by another recipe; nothing is uploaded."""
    merge = queue_recomputation(queue, name, asked.recipe)
    response.headers["Location"] = f"/merges/{merge.id}"
    return MergeView.from_merge(merge)
