"""Multipart bodies, parsed while they stream: no part is ever held or spooled whole. Source: RFC 7578."""

from collections.abc import Awaitable, Callable

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from registry.errors import MalformedUpload
from service.sinks import Sink

_MOST_PARTS = 8


async def read_parts(request: Request, begin: Callable[[str], Sink], end: Callable[[str], Awaitable[None]]) -> None:
    """Stream each part into the sink that `begin(name)` returns, then call `end(name)`.

    A sink is finished before `end` is called. Raises MalformedUpload, and whatever sinks and callbacks raise; sinks are
    not aborted here.
    """
    sink: Sink | None = None
    name = ""
    try:
        parser = PushMultipartParser(_boundary(request), max_segment_count=_MOST_PARTS)
        async for chunk in request.stream():
            if not chunk or parser.closed:
                continue
            for event in parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    name = event.name or ""
                    sink = begin(name)
                elif sink is not None and event is not None:
                    await sink.put(bytes(event))
                elif sink is not None:
                    await sink.finish()
                    await end(name)
        parser.close()
    except MultipartError as error:
        raise MalformedUpload(f"The multipart body is not well formed or was cut off: {error}.") from error
    except ClientDisconnect as error:
        raise MalformedUpload("The connection closed before the body was complete. Nothing was stored.") from error


def _boundary(request: Request) -> str:
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "")
    if not boundary:
        raise MalformedUpload("The Content-Type multipart/form-data must name its boundary.")
    return str(boundary)
