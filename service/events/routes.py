"""Server-sent events of merges and lineages."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel

from registry.api_key import Scope
from registry.errors import LineageNotFound, MergeNotFound, Overloaded
from service.events.schemas import LineageEvent, MergeEvent
from service.events.streams import lineage_events, merge_events
from service.events.waiting import Feed
from service.http.openapi_refs import reference
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.pipeline.permissions import raises, requires
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, tags=["events"])

LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="ID of the last event received; the stream continues after it."),
]


def _stream(schema: type[BaseModel]) -> dict[str, Any]:
    # OpenAPI 3.1 cannot describe the items of a stream: generators take the schema for that of an event's data.
    content = {"text/event-stream": {"schema": reference(schema)}}
    return {"description": "The events, as they happen.", "content": content} | headers("Cache-Control")


_OF_MERGE: Responses = {
    200: _stream(MergeEvent),
    204: {"description": "The merge has ended, and Last-Event-ID names its last event."},
}
_OF_LINEAGE: Responses = {200: _stream(LineageEvent)}


@router.get("/merges/{merge_id}/events", operation_id="watchMerge", response_class=Response, responses=_OF_MERGE)
@requires(Scope.READ)
@raises(MergeNotFound, Overloaded)
async def watch_merge(merge_id: str, feed: Feed, last_event_id: LastEventId = None) -> Response:
    """Stream a merge's state, then its changes, progress and version; ends after the terminal state."""
    return await merge_events(feed, merge_id, last_event_id) or Response(status_code=204)


@router.get("/lineages/{name}/events", operation_id="watchLineage", response_class=Response, responses=_OF_LINEAGE)
@requires(Scope.READ)
@raises(LineageNotFound, Overloaded)
async def watch_lineage(name: str, feed: Feed, last_event_id: LastEventId = None) -> Response:
    """Stream a lineage's head and unfinished merges, then changes: states and progress of merges, new versions."""
    return await lineage_events(feed, name, last_event_id)
