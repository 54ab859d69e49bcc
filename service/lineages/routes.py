"""Lineages."""

from typing import Any

from fastapi import APIRouter, Request, Response

from registry.errors import (
    ArchitectureMismatch,
    BlobNotFound,
    LineageExists,
    LineageNotFound,
    MethodUnavailable,
    NotSafetensors,
    TooLarge,
    UnknownArchitecture,
)
from registry.lineage import LineageSpec
from service.http.page_params import PAGE, Cursor, Limit
from service.http.pagination import first, link_next, read_cursor, write_cursor
from service.http.problem_responses import Responses, problems
from service.http.response_headers import headers
from service.merges.ingest import receive_lineage
from service.operations.openapi import reference
from service.pipeline.context import Ctx
from service.schemas import LineagePage, LineageView

router = APIRouter(tags=["lineages"])

_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": reference(LineageSpec.__name__)}}}
}
_CREATED: Responses = {201: {"description": "The lineage."} | headers("Location")}


@router.post(
    "/lineages",
    operation_id="createLineage",
    status_code=201,
    responses=_CREATED
    | problems(
        BlobNotFound,
        LineageExists,
        TooLarge,
        NotSafetensors,
        UnknownArchitecture,
        ArchitectureMismatch,
        MethodUnavailable,
    ),
    openapi_extra=_BODY,
)
async def create_lineage(request: Request, response: Response, context: Ctx) -> LineageView:
    """Create a lineage from an architecture and a base that was sent with POST /blobs."""
    lineage = await receive_lineage(context, request)
    response.headers["Location"] = f"/lineages/{lineage.name}"
    return LineageView.of(lineage, head=0)


@router.get("/lineages", operation_id="listLineages", responses=PAGE | problems())
def list_lineages(
    request: Request, response: Response, context: Ctx, limit: Limit = None, cursor: Cursor = None
) -> LineagePage:
    """Lineages, by name."""
    after = read_cursor("lineages", cursor, str) or ""
    page, rest = first(context.state.list_lineages(), after, limit or context.settings.page_size)
    following = write_cursor("lineages", page[-1].name) if rest else None
    link_next(request, response, following)
    views = [LineageView.of(item, context.state.head(item.name).number) for item in page]
    return LineagePage(lineages=views, next=following)


@router.get("/lineages/{name}", operation_id="getLineage", responses=problems(LineageNotFound))
def get_lineage(name: str, context: Ctx) -> LineageView:
    """One lineage."""
    return LineageView.of(context.state.get_lineage(name), context.state.head(name).number)
