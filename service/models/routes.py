"""Versions: their records, weights and configs."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from registry.errors import (
    BlobNotFound,
    LineageNotFound,
    NotFound,
    Overloaded,
    RangeOutside,
    VersionNotFound,
    VersionRetired,
    WeightsChanged,
)
from registry.version import DEFAULT_LINEAGE, VersionReference
from service.http.page_params import PAGE, Cursor, Limit
from service.http.pagination import link_next, read_cursor, write_cursor
from service.http.problem_responses import Responses, problems
from service.http.response_headers import headers
from service.models.diff import DiffView, diff
from service.models.weights_response import SAFETENSORS_MEDIA_TYPE, Download
from service.pipeline.context import Ctx
from service.schemas import VersionPage, VersionView

router = APIRouter(tags=["models"])

_BYTES: dict[str, Any] = {"content": {SAFETENSORS_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
_TAGS = ("ETag", "Repr-Digest", "Cache-Control", "Content-Location")
_WEIGHTS: Responses = {
    200: {"description": "The safetensors file."} | _BYTES | headers(*_TAGS, "Accept-Ranges", "Content-Disposition"),
    206: {"description": "The asked range of it."} | _BYTES | headers(*_TAGS, "Accept-Ranges", "Content-Range"),
    304: {"description": "The client has these bytes (If-None-Match)."} | headers(*_TAGS),
}
_RECORD: Responses = {200: {"description": "The version."} | headers("Content-Location")}
_CONFIG: Responses = {200: {"description": "The config."} | headers("Content-Location")}


@router.get("/models", operation_id="listVersions", responses=PAGE | problems(LineageNotFound))
async def list_versions(
    request: Request,
    response: Response,
    context: Ctx,
    lineage: Annotated[str, Query(description="Of which lineage.")] = DEFAULT_LINEAGE,
    limit: Limit = None,
    cursor: Cursor = None,
) -> VersionPage:
    """A lineage's versions, newest first, without their reports."""
    listing = f"versions of {lineage}"
    before = read_cursor(listing, cursor, int)
    of, found = await context.reads.versions(lineage, limit or context.settings.page_size, before)
    following = write_cursor(listing, found[-1].number) if found and found[-1].number else None
    link_next(request, response, following)
    views = [VersionView.of(item, has_config=of.architecture is not None, with_report=False) for item in found]
    return VersionPage(versions=views, next=following)


@router.get("/models/{version}", operation_id="getVersion", responses=_RECORD | problems(VersionNotFound))
async def get_version(version: str, response: Response, context: Ctx) -> VersionView:
    """A version's record: `name@3`, `name@latest`, `name@alias`; without `name@`, of the lineage `default`."""
    lineage, found = await context.reads.version(VersionReference.parse(version))
    response.headers["Content-Location"] = f"/models/{found.reference}"
    return VersionView.of(found, has_config=lineage.architecture is not None)


@router.api_route(
    "/models/{version}/weights",
    methods=["GET", "HEAD"],
    response_class=Response,
    include_in_schema=False,
)
@router.get(
    "/models/{version}/weights",
    operation_id="getWeights",
    response_class=Response,
    responses=_WEIGHTS | problems(VersionNotFound, VersionRetired, WeightsChanged, RangeOutside),
)
def get_weights(version: str, request: Request, context: Ctx) -> Response:
    """A version's weights: a safetensors file whose ETag is its sha256. Takes Range and all conditions but dates."""
    found = context.state.get_version(VersionReference.parse(version))
    try:
        path = context.blobs.path(found.weights)
    except BlobNotFound:
        if found.retired_at is not None:
            raise VersionRetired(found.reference) from None
        raise
    moving = version.rpartition("@")[2] != str(found.number)
    return Download(path, found.weights, found.reference, moving, shared=context.caller.key is None).answer(request)


@router.get(
    "/models/{version}/open_clip_config.json",
    operation_id="getOpenClipConfig",
    responses=_CONFIG | problems(VersionNotFound, NotFound),
)
def get_open_clip_config(version: str, response: Response, context: Ctx) -> dict[str, Any]:
    """The config that `open_clip.create_model_and_transforms('local-dir:...')` needs beside the weights."""
    found = context.state.get_version(VersionReference.parse(version))
    architecture = context.state.get_lineage(found.lineage).architecture
    if architecture is None:
        raise NotFound(f"The lineage {found.lineage!r} has no architecture, so {version} has no open_clip config.")
    response.headers["Content-Location"] = f"/models/{found.reference}/open_clip_config.json"
    return architecture.open_clip_config


@router.get(
    "/models/{a}/diff/{b}",
    operation_id="diffVersions",
    responses=problems(VersionNotFound, VersionRetired, Overloaded),
)
def diff_versions(a: str, b: str, context: Ctx) -> DiffView:
    """Which tensors differ between two versions, and by how much; tasks and scores side by side."""
    return diff(context, a, b)
