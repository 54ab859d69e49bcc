"""Health."""

from fastapi import APIRouter

from service.context import Ctx
from service.routes.problems import problems
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
