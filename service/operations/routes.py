"""Health and metrics."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from registry.api_key import Scope
from registry.errors import NotAllowed, StoreUnavailable
from registry.state.state_store import StateStore
from service.pipeline.dependencies import ScopedStores, service
from service.pipeline.metrics import MEDIA_TYPE, Metrics
from service.pipeline.permissions import PUBLIC, raises, requires
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, tags=["operations"])


class Health(BaseModel):
    """Health of the gateway."""

    status: str = Field(description="`ok`", examples=["ok"])


@router.get("/healthz", operation_id="getHealth")
@requires(PUBLIC)
def get_health() -> Health:
    """Liveness: the process runs."""
    return Health(status="ok")


@router.get("/readyz", operation_id="getReadiness")
@requires(PUBLIC)
@raises(StoreUnavailable)
def get_readiness(state: Annotated[StateStore, service(StateStore)]) -> Health:
    """Readiness: the state store responds."""
    state.ping()
    return Health(status="ok")


@router.get("/metrics", include_in_schema=False)
@requires(Scope.READ)
def get_metrics(stores: ScopedStores, metrics: Annotated[Metrics, service(Metrics)]) -> Response:
    """Metrics in Prometheus's text format. They name all lineages, so a key that is limited to some is refused."""
    if stores.caller.is_limited:
        raise NotAllowed("The metrics cover all lineages; this key is limited to some.", Scope.READ)
    return Response(metrics.text(), media_type=MEDIA_TYPE)
