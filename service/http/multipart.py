"""Multipart request bodies as an asynchronous iterator of parts, none buffered whole; JSON documents of bounded size.

Source: RFC 7578.
"""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from registry.errors import MalformedUpload, TooLarge
from service.http.digest_fields import Expected, read_digests

_MAX_PARTS = 8
_Event: TypeAlias = MultipartSegment | bytearray | None


@dataclass(frozen=True)
class Part:
    """One part. digests: what its own Content-Digest or Repr-Digest promises."""

    name: str
    digests: list[Expected]
    _events: AsyncIterator[_Event]

    async def __aiter__(self) -> AsyncIterator[bytearray]:
        """The part's bytes, in pieces. Read them to their end before you ask for the next part."""
        async for event in self._events:
            if event is None:
                return
            assert not isinstance(event, MultipartSegment)  # noqa: S101  a part ends before the next begins
            yield event


async def read_parts(request: Request) -> AsyncIterator[Part]:
    """The parts of a multipart body, in order of arrival.

    The request's own digest fields describe the body as a whole and are verified after the last part.
    Raises MalformedUpload, DigestMismatch.
    """
    events = _parse(request)
    async for event in events:
        assert isinstance(event, MultipartSegment)  # noqa: S101  each part is read to its end
        yield Part(event.name or "", read_digests({name.lower(): text for name, text in event.headerlist}), events)


async def read_bounded(chunks: AsyncIterable[bytes | bytearray], limit: int) -> bytes:
    """All bytes of a JSON document: a body, or a part of one. Raises TooLarge beyond `limit` bytes."""
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > limit:
            raise TooLarge(f"The JSON document is larger than {limit} bytes (ODEM_MAX_JSON_BYTES).")
    return bytes(data)


async def _parse(request: Request) -> AsyncIterator[_Event]:
    """A part's head, its bytes, None at its end; then the next part."""
    expected = read_digests(request.headers)
    try:
        parser = PushMultipartParser(_boundary(request), max_segment_count=_MAX_PARTS)
        async for chunk in request.stream():
            for item in expected:
                await run_in_threadpool(item.update, chunk)
            if chunk and not parser.closed:
                for event in parser.parse(chunk):
                    yield event
        parser.close()
    except MultipartError as error:
        raise MalformedUpload(f"The multipart body is malformed or incomplete: {error}.") from error
    except ClientDisconnect as error:
        raise MalformedUpload("The connection closed before the body was complete. Nothing was stored.") from error
    for item in expected:
        item.check()


def _boundary(request: Request) -> str:
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "")
    if not boundary:
        raise MalformedUpload("The Content-Type multipart/form-data lacks its boundary parameter.")
    return str(boundary)
