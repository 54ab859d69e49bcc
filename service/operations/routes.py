"""Health and metrics."""

from fastapi import APIRouter, Request, Response

from registry.api_key import Scope
from registry.errors import NotAllowed
from service.http.problem_responses import problems
from service.pipeline.context import Ctx
from service.pipeline.metrics import MEDIA_TYPE
from service.schemas import Health

router = APIRouter(tags=["operations"])


@router.get("/healthz", operation_id="getHealth")
def healthz() -> Health:
    """The process runs."""
    return Health(status="ok")


@router.get("/readyz", operation_id="getReadiness", responses=problems())
def readyz(context: Ctx) -> Health:
    """The gateway can do its work: the state store answers."""
    context.state.ping()
    return Health(status="ok")


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, context: Ctx) -> Response:
    """Metrics in Prometheus's text format. They name all lineages, so a key that is limited to some is refused."""
    if context.caller.is_limited:
        raise NotAllowed("The metrics tell of all lineages; this key is limited to some.", Scope.READ)
    return Response(request.app.state.metrics.text(), media_type=MEDIA_TYPE)
