"""File response with byte ranges: starlette's, sent with zero copy where the server offers it.

Source: RFC 9110, section 14 (ranges).
"""

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse, MalformedRangeHeader, RangeNotSatisfiable
from starlette.types import Receive, Scope, Send

from registry.errors import RangeOutside
from service.server.zero_copy import EXTENSION


class ZeroCopyFileResponse(FileResponse):
    """A file as a response. The whole file and single ranges use zero copy; several ranges go in chunks of 1 MiB.

    A malformed Range header is ignored. Raises RangeOutside for a range beyond the end of the file.
    """

    chunk_size = 1 << 20
    _zero_copy = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        self._zero_copy = EXTENSION in scope.get("extensions", {})
        await super().__call__(scope, receive, send)

    async def _handle_simple(self, send: Send, send_header_only: bool, send_pathsend: bool) -> None:
        if send_header_only or not self._zero_copy:
            await super()._handle_simple(send, send_header_only, send_pathsend)
        else:
            await self._send_part(send, self.status_code, self.raw_headers, 0, int(self.headers["content-length"]))

    async def _handle_single_range(
        self, send: Send, start: int, end: int, file_size: int, send_header_only: bool
    ) -> None:
        if send_header_only or not self._zero_copy:
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
            # starlette cancels a response when its client leaves. The server notices that itself and counts what it
            # sent.
            with anyio.CancelScope(shield=True):
                await send({"type": EXTENSION, "file": file, "offset": offset, "count": count})
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
