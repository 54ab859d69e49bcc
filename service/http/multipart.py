"""Multipart bodies, parsed while they stream: no part is ever held or spooled whole. Source: RFC 7578."""

from collections.abc import Awaitable, Callable

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from registry.errors import MalformedUpload
from service.http.digest_fields import Expected, read_digests
from service.uploads.safetensors_stream import Sink

_MOST_PARTS = 8


async def read_parts(
    request: Request, begin: Callable[[str, list[Expected]], Awaitable[Sink]], end: Callable[[str], Awaitable[None]]
) -> None:
    """Stream each part into the sink that `begin(name, digests)` returns, then call `end(name)`.

    digests: what the part's own Content-Digest or Repr-Digest promises; the request's are about the body as a whole and
    verified here. A sink is finished before `end` is called. Raises MalformedUpload, DigestMismatch, and whatever sinks
    and callbacks raise; sinks are not aborted here.
    """
    whole = read_digests(request.headers)
    try:
        parser = PushMultipartParser(_boundary(request), max_segment_count=_MOST_PARTS)
        parts = _Parts(begin, end)
        async for chunk in request.stream():
            for item in whole:
                await run_in_threadpool(item.update, chunk)
            if chunk and not parser.closed:
                for event in parser.parse(chunk):
                    await parts.take(event)
        parser.close()
    except MultipartError as error:
        raise MalformedUpload(f"The multipart body is not well formed or was cut off: {error}.") from error
    except ClientDisconnect as error:
        raise MalformedUpload("The connection closed before the body was complete. Nothing was stored.") from error
    for item in whole:
        item.check()


class _Parts:
    """Where the parser's events go."""

    def __init__(
        self, begin: Callable[[str, list[Expected]], Awaitable[Sink]], end: Callable[[str], Awaitable[None]]
    ) -> None:
        self._begin = begin
        self._end = end
        self._name = ""
        self._sink: Sink | None = None

    async def take(self, event: MultipartSegment | bytearray | None) -> None:
        """A part's head, some of its bytes, or its end."""
        if isinstance(event, MultipartSegment):
            self._name = event.name or ""
            digests = read_digests({key.lower(): value for key, value in event.headerlist})
            self._sink = await self._begin(self._name, digests)
        elif self._sink is not None and event is not None:
            await self._sink.put(event)
        elif self._sink is not None:
            await self._sink.finish()
            await self._end(self._name)


def _boundary(request: Request) -> str:
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "")
    if not boundary:
        raise MalformedUpload("The Content-Type multipart/form-data must name its boundary.")
    return str(boundary)
