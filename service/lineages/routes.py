"""Lineages."""

from fastapi import APIRouter, Response

from registry import errors
from registry.api_key import Scope
from registry.lineage import LineageSpec
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.lineages import creation
from service.lineages.schemas import LineagePage, LineageView
from service.pipeline.dependencies import ScopedStores, Settings
from service.pipeline.pagination import PAGE, RequestedPage
from service.pipeline.permissions import idempotent, needs_storage, raises, requires
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, tags=["lineages"])

_CREATED: Responses = {201: {"description": "The lineage."} | headers("Location")}


@router.post("/lineages", operation_id="createLineage", status_code=201, responses=_CREATED)
@requires(Scope.ADMIN)
@idempotent()
@needs_storage
@raises(
    errors.BlobNotFound,
    errors.LineageExists,
    errors.TooLarge,
    errors.NotSafetensors,
    errors.UnknownArchitecture,
    errors.ArchitectureMismatch,
    errors.MethodUnavailable,
)
def create_lineage(spec: LineageSpec, response: Response, stores: ScopedStores, settings: Settings) -> LineageView:
    """Create a lineage from an architecture and a base that was uploaded with POST /blobs."""
    lineage = creation.create_lineage(stores, settings, spec)
    response.headers["Location"] = f"/lineages/{lineage.name}"
    return LineageView.from_lineage(lineage, head=0)


@router.get("/lineages", operation_id="listLineages", responses=PAGE)
@requires(Scope.READ)
def list_lineages(stores: ScopedStores, page: RequestedPage) -> LineagePage:
    """List lineages by name."""
    lineages, following = page.by_name("lineages", stores.lineages.list())
    views = [LineageView.from_lineage(item, stores.versions.head(item.name).number) for item in lineages]
    return LineagePage(lineages=views, next=following)


@router.get("/lineages/{name}", operation_id="getLineage")
@requires(Scope.READ)
@raises(errors.LineageNotFound)
def get_lineage(name: str, stores: ScopedStores) -> LineageView:
    """Get a lineage."""
    return LineageView.from_lineage(stores.lineages.get(name), stores.versions.head(name).number)
