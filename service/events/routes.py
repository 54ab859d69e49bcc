"""Server-sent events of merges and lineages."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from registry.errors import LineageNotFound, MergeNotFound, Overloaded
from service.events.schemas import LineageEvent, MergeEvent
from service.events.streams import lineage_events, merge_events
from service.http.problem_responses import Responses, problems
from service.http.response_headers import headers
from service.operations.openapi import reference
from service.pipeline.context import Ctx

router = APIRouter(tags=["events"])

LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="The id of the last event that came: what came after follows."),
]


def _stream(schema: type) -> dict[str, Any]:
    # OpenAPI 3.1 has no word for the items of a stream: generators take the schema for that of an event's data.
    content = {"text/event-stream": {"schema": reference(schema.__name__)}}
    return {"description": "The events, as they happen.", "content": content} | headers("Cache-Control")


_OF_MERGE: Responses = {
    200: _stream(MergeEvent),
    204: {"description": "The merge has ended, and its last event is the one that Last-Event-ID names."},
}
_OF_LINEAGE: Responses = {200: _stream(LineageEvent)}


@router.get(
    "/merges/{merge_id}/events",
    operation_id="watchMerge",
    response_class=Response,
    responses=_OF_MERGE | problems(MergeNotFound, Overloaded),
)
async def watch_merge(merge_id: str, context: Ctx, last_event_id: LastEventId = None) -> Response:
    """A merge's state, and then each change of it, its progress and its version; ends after the state that is final."""
    return await merge_events(context, merge_id, last_event_id) or Response(status_code=204)


@router.get(
    "/lineages/{name}/events",
    operation_id="watchLineage",
    response_class=Response,
    responses=_OF_LINEAGE | problems(LineageNotFound, Overloaded),
)
async def watch_lineage(name: str, context: Ctx, last_event_id: LastEventId = None) -> Response:
    """A lineage's head and waiting merges, and then each change: states and progress of its merges, new versions."""
    return await lineage_events(context, name, last_event_id)
