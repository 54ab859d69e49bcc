"""Weights on their way out: an immutable file, its sha256 as ETag, with ranges and conditions.

Source: RFC 9110, sections 8.8.3 (ETag), 13 (conditions) and 14 (ranges).
"""

from dataclasses import dataclass
from pathlib import Path

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, MalformedRangeHeader, RangeNotSatisfiable, Response
from starlette.types import Receive, Scope, Send

from registry.errors import RangeOutside, WeightsChanged
from service.http.digest_fields import repr_digest
from service.server.zero_copy import EXTENSION as ZERO_COPY

SAFETENSORS_MEDIA_TYPE = "application/vnd.safetensors"


class BlobResponse(FileResponse):
    """A file in pieces of 1 MiB. A Range that says nothing is as if it were not there."""

    chunk_size = 1 << 20
    _by_the_kernel = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        self._by_the_kernel = ZERO_COPY in scope.get("extensions", {})
        await super().__call__(scope, receive, send)

    async def _handle_simple(self, send: Send, send_header_only: bool, send_pathsend: bool) -> None:
        if send_header_only or not self._by_the_kernel:
            await super()._handle_simple(send, send_header_only, send_pathsend)
        else:
            await self._send_part(send, self.status_code, self.raw_headers, 0, int(self.headers["content-length"]))

    async def _handle_single_range(
        self, send: Send, start: int, end: int, file_size: int, send_header_only: bool
    ) -> None:
        if send_header_only or not self._by_the_kernel:
            await super()._handle_single_range(send, start, end, file_size, send_header_only)
            return
        headers = MutableHeaders(raw=list(self.raw_headers))
        headers["content-range"] = f"bytes {start}-{end - 1}/{file_size}"
        headers["content-length"] = str(end - start)
        await self._send_part(send, 206, headers.raw, start, end - start)

    async def _send_part(
        self, send: Send, status: int, headers: list[tuple[bytes, bytes]], offset: int, count: int
    ) -> None:
        file = await run_in_threadpool(open, self.path, "rb", buffering=0)
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            # Starlette would stop it when the client has gone; but the server notices itself, and counts what was sent.
            with anyio.CancelScope(shield=True):
                await send({"type": ZERO_COPY, "file": file, "offset": offset, "count": count})
        finally:
            file.close()

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []
        except RangeNotSatisfiable as error:
            raise RangeOutside(file_size) from error


@dataclass(frozen=True)
class Download:
    """A version's weights.

    reference: the version's numbered name. moving: whether the name that was asked for may mean other bytes tomorrow.
    shared: whether everybody may read them, so that caches between here and the client may keep them for others.
    """

    path: Path
    digest: str
    reference: str
    moving: bool
    shared: bool

    def answer(self, request: Request) -> Response:
        """The bytes, a range of them, or 304 when the client has them. Raises WeightsChanged."""
        etag = f'"{self.digest}"'
        if not _matches(request.headers.get("if-match", "*"), etag):
            raise WeightsChanged(self.reference)
        who = "public" if self.shared else "private"
        headers = {
            "ETag": etag,
            "Repr-Digest": repr_digest(self.digest),
            "Cache-Control": "no-cache" if self.moving else f"{who}, max-age=31536000, immutable",
            "Content-Location": f"/models/{self.reference}/weights",
        }
        if _matches(request.headers.get("if-none-match", "").replace("W/", ""), etag):
            return Response(status_code=304, headers=headers)
        filename = f"{self.reference.replace('@', '-')}.safetensors"
        return BlobResponse(self.path, media_type=SAFETENSORS_MEDIA_TYPE, headers=headers, filename=filename)


def _matches(condition: str, etag: str) -> bool:
    """Whether a list of entity tags names this one; weak tags name nothing that is sent in ranges."""
    return any(item.strip() in {"*", etag} for item in condition.split(","))
