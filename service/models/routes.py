"""Versions: their records, weights and configs."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from registry import errors
from registry.api_key import Scope
from registry.version import DEFAULT_LINEAGE, VersionReference
from service.http.openapi_refs import BINARY, SAFETENSORS_MEDIA_TYPE
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.models.diff import DiffView, diff
from service.models.schemas import VersionPage, VersionView
from service.models.tensor_diff import TensorDiffer
from service.models.weights_response import WeightsDownload
from service.pipeline.dependencies import ScopedStores, Settings, service
from service.pipeline.pagination import PAGE, RequestedPage
from service.pipeline.permissions import raises, requires
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, tags=["models"])

_BYTES: dict[str, Any] = {"content": {SAFETENSORS_MEDIA_TYPE: {"schema": BINARY}}}
_TAGS = ("ETag", "Repr-Digest", "Cache-Control", "Content-Location")
_WEIGHTS: Responses = {
    200: {"description": "The safetensors file."} | _BYTES | headers(*_TAGS, "Accept-Ranges", "Content-Disposition"),
    206: {"description": "The requested range."} | _BYTES | headers(*_TAGS, "Accept-Ranges", "Content-Range"),
    304: {"description": "The client has these bytes (If-None-Match)."} | headers(*_TAGS),
}
_RECORD: Responses = {200: {"description": "The version."} | headers("Content-Location")}
_CONFIG: Responses = {200: {"description": "The config."} | headers("Content-Location")}


@router.get("/models", operation_id="listVersions", responses=PAGE)
@requires(Scope.READ)
@raises(errors.LineageNotFound)
async def list_versions(
    stores: ScopedStores,
    page: RequestedPage,
    lineage: Annotated[str, Query(description="The lineage whose versions to list.")] = DEFAULT_LINEAGE,
) -> VersionPage:
    """List a lineage's versions, newest first, without their reports."""
    listing = f"versions of {lineage}"
    record, versions = await stores.queries.versions(lineage, page.size, page.position(listing, int))
    has_config = record.architecture is not None
    views = [VersionView.from_version(item, has_config=has_config, with_report=False) for item in versions]
    # Version 0 is a lineage's last.
    return VersionPage(versions=views, next=page.link_next(listing, versions[-1].number or None if versions else None))


@router.get("/models/{version}", operation_id="getVersion", responses=_RECORD)
@requires(Scope.READ)
@raises(errors.VersionNotFound)
async def get_version(version: str, response: Response, stores: ScopedStores) -> VersionView:
    """Get a version: `name@3`, `name@latest`, `name@alias`; without `name@`, of the lineage `default`."""
    lineage, result = await stores.queries.version(VersionReference.parse(version))
    response.headers["Content-Location"] = f"/models/{result.reference}"
    return VersionView.from_version(result, has_config=lineage.architecture is not None)


@router.api_route(
    "/models/{version}/weights", methods=["GET", "HEAD"], response_class=Response, include_in_schema=False
)
@router.get("/models/{version}/weights", operation_id="getWeights", response_class=Response, responses=_WEIGHTS)
@requires(Scope.READ)
@raises(errors.VersionNotFound, errors.VersionRetired, errors.WeightsChanged, errors.RangeOutside)
def get_weights(version: str, request: Request, stores: ScopedStores) -> Response:
    """Download a version's weights: a safetensors file whose ETag is its sha256.

    Supports Range, If-Range, If-Match and If-None-Match.
    """
    result = stores.versions.get(VersionReference.parse(version))
    try:
        path = stores.blobs.path(result.weights)
    except errors.BlobNotFound:
        if result.retired_at is not None:
            raise errors.VersionRetired(result.reference) from None
        raise
    is_alias = version.rpartition("@")[2] != str(result.number)
    download = WeightsDownload(path, result.weights, result.reference, is_alias, is_public=stores.caller.key is None)
    return download.to_response(request)


@router.get("/models/{version}/open_clip_config.json", operation_id="getOpenClipConfig", responses=_CONFIG)
@requires(Scope.READ)
@raises(errors.VersionNotFound, errors.NotFound)
def get_open_clip_config(version: str, response: Response, stores: ScopedStores) -> dict[str, Any]:
    """Get the config that `open_clip.create_model_and_transforms('local-dir:...')` needs beside the weights."""
    result = stores.versions.get(VersionReference.parse(version))
    architecture = stores.lineages.get(result.lineage).architecture
    if architecture is None:
        raise errors.NotFound(
            f"The lineage {result.lineage!r} has no architecture, so {version} has no open_clip config."
        )
    response.headers["Content-Location"] = f"/models/{result.reference}/open_clip_config.json"
    return architecture.open_clip_config


@router.get("/models/{a}/diff/{b}", operation_id="diffVersions")
@requires(Scope.READ)
@raises(errors.VersionNotFound, errors.VersionRetired, errors.Overloaded)
def diff_versions(
    a: str, b: str, stores: ScopedStores, settings: Settings, differ: Annotated[TensorDiffer, service(TensorDiffer)]
) -> DiffView:
    """Compare two versions: which tensors differ and by how much; tasks and scores side by side."""
    return diff(stores, settings, differ, a, b)
