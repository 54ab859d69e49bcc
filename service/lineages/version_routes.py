"""What the owner of a lineage does with its versions: rollback, branch, pins, retention."""

from fastapi import APIRouter, Response

from registry.errors import LineageExists, LineageNotFound, VersionNotFound, VersionRetired
from registry.retention import Retention
from service.http.problem_responses import Responses, problems
from service.http.response_headers import headers
from service.lineages.operations import branch, retention, roll_back
from service.pipeline.context import Ctx
from service.schemas import BranchRequest, LineageView, RetentionView, RollbackRequest, VersionView

router = APIRouter(prefix="/lineages/{name}", tags=["lineages"])

_CREATED: Responses = {201: {"description": "What was made."} | headers("Location")}


@router.post(
    "/rollback",
    operation_id="rollBack",
    status_code=201,
    responses=_CREATED | problems(LineageNotFound, VersionNotFound, VersionRetired),
)
def create_rollback(name: str, asked: RollbackRequest, response: Response, context: Ctx) -> VersionView:
    """Append a new version with an older one's weights, tasks and calibration memory. History is never rewritten."""
    version = roll_back(context, name, asked.version)
    response.headers["Location"] = f"/models/{version.reference}"
    return VersionView.of(version, has_config=context.state.get_lineage(name).architecture is not None)


@router.post(
    "/branch",
    operation_id="branchLineage",
    status_code=201,
    responses=_CREATED | problems(LineageNotFound, VersionNotFound, VersionRetired, LineageExists),
)
def create_branch(name: str, asked: BranchRequest, response: Response, context: Ctx) -> LineageView:
    """Create a lineage whose version 0 repeats a version of this one, with its tasks and calibration memory."""
    lineage = branch(context, name, asked)
    response.headers["Location"] = f"/lineages/{lineage.name}"
    return LineageView.of(lineage, context.state.head(lineage.name).number)


@router.put(
    "/pins/{number}", operation_id="putPin", status_code=204, responses=problems(VersionNotFound, VersionRetired)
)
def put_pin(name: str, number: int, context: Ctx) -> None:
    """Keep a version from ever being retired."""
    context.state.set_pin(name, number, pinned=True)


@router.delete("/pins/{number}", operation_id="deletePin", status_code=204, responses=problems(VersionNotFound))
def delete_pin(name: str, number: int, context: Ctx) -> None:
    """Let retention decide about a version again."""
    context.state.set_pin(name, number, pinned=False)


@router.get("/retention", operation_id="getRetention", responses=problems(LineageNotFound))
def get_retention(name: str, context: Ctx) -> RetentionView:
    """The rule, what is pinned, and which versions the rule would retire now."""
    return retention(context, name)


@router.put("/retention", operation_id="putRetention", responses=problems(LineageNotFound))
def put_retention(name: str, rule: Retention, context: Ctx) -> RetentionView:
    """Set the rule. Nothing is retired by that: the answer says what would be."""
    context.state.set_retention(name, rule)
    return retention(context, name)


@router.delete("/retention", operation_id="deleteRetention", status_code=204, responses=problems(LineageNotFound))
def delete_retention(name: str, context: Ctx) -> None:
    """Keep every version that there is from now on."""
    context.state.set_retention(name, None)


@router.post("/retention/apply", operation_id="applyRetention", responses=problems(LineageNotFound))
def apply_retention(name: str, context: Ctx) -> RetentionView:
    """Retire what the rule gives up. Their bytes go when the owner collects orphans."""
    retired = context.state.retire(name)
    return retention(context, name).model_copy(update={"retired": list(retired)})
