"""Rollback, branch, pins and retention of a lineage's versions."""

from fastapi import APIRouter, Response

from registry import errors
from registry.api_key import Scope
from registry.retention import Retention
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.lineages.operations import branch, retention, roll_back
from service.lineages.schemas import BranchRequest, LineageView, RetentionView, RollbackRequest
from service.models.schemas import VersionView
from service.pipeline.dependencies import CurrentAttempt, ScopedStores
from service.pipeline.permissions import idempotent, needs_storage, raises, requires
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, prefix="/lineages/{name}", tags=["lineages"])

_CREATED: Responses = {201: {"description": "The new resource."} | headers("Location")}


@router.post("/rollback", operation_id="rollBack", status_code=201, responses=_CREATED)
@requires(Scope.ADMIN)
@idempotent()
@needs_storage
@raises(errors.LineageNotFound, errors.VersionNotFound, errors.VersionRetired)
def create_rollback(
    name: str, asked: RollbackRequest, response: Response, stores: ScopedStores, attempt: CurrentAttempt
) -> VersionView:
    """Append a version that repeats an older one's weights, tasks and calibration memory; nothing is deleted."""
    version = roll_back(stores, name, asked.version, attempt.seed)
    response.headers["Location"] = f"/models/{version.reference}"
    return VersionView.from_version(version, has_config=stores.lineages.get(name).architecture is not None)


@router.post("/branch", operation_id="branchLineage", status_code=201, responses=_CREATED)
@requires(Scope.ADMIN)
@idempotent()
@needs_storage
@raises(errors.LineageNotFound, errors.VersionNotFound, errors.VersionRetired, errors.LineageExists)
def create_branch(name: str, asked: BranchRequest, response: Response, stores: ScopedStores) -> LineageView:
    """Create a lineage whose version 0 repeats a version of this one, with its tasks and calibration memory."""
    lineage = branch(stores, name, asked)
    response.headers["Location"] = f"/lineages/{lineage.name}"
    return LineageView.from_lineage(lineage, stores.versions.head(lineage.name).number)


@router.put("/pins/{number}", operation_id="putPin", status_code=204)
@requires(Scope.ADMIN)
@raises(errors.VersionNotFound, errors.VersionRetired)
def put_pin(name: str, number: int, stores: ScopedStores) -> None:
    """Exempt a version from retention."""
    stores.retention.set_pin(name, number, pinned=True)


@router.delete("/pins/{number}", operation_id="deletePin", status_code=204)
@requires(Scope.ADMIN)
@raises(errors.VersionNotFound)
def delete_pin(name: str, number: int, stores: ScopedStores) -> None:
    """Subject a version to retention again."""
    stores.retention.set_pin(name, number, pinned=False)


@router.get("/retention", operation_id="getRetention")
@requires(Scope.READ)
@raises(errors.LineageNotFound)
def get_retention(name: str, stores: ScopedStores) -> RetentionView:
    """Get the rule, the pinned versions, and the versions that the rule would retire now."""
    return retention(stores, name)


@router.put("/retention", operation_id="putRetention")
@requires(Scope.ADMIN)
@raises(errors.LineageNotFound)
def put_retention(name: str, rule: Retention, stores: ScopedStores) -> RetentionView:
    """Set the rule. This retires nothing: the response lists what the rule would retire."""
    stores.retention.set(name, rule)
    return retention(stores, name)


@router.delete("/retention", operation_id="deleteRetention", status_code=204)
@requires(Scope.ADMIN)
@raises(errors.LineageNotFound)
def delete_retention(name: str, stores: ScopedStores) -> None:
    """Delete the rule: from now on every version is kept."""
    stores.retention.set(name, None)


@router.post("/retention/apply", operation_id="applyRetention")
@requires(Scope.ADMIN)
@idempotent()
@raises(errors.LineageNotFound)
def apply_retention(name: str, stores: ScopedStores) -> RetentionView:
    """Retire versions according to the rule. Garbage collection deletes their bytes."""
    retired = stores.retention.retire(name)
    return retention(stores, name).model_copy(update={"retired": list(retired)})
