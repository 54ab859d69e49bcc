"""Weights on their way out: an immutable file, its sha256 as ETag, with ranges and conditions.

Source: RFC 9110, sections 8.8.3 (ETag), 13 (conditions) and 14 (ranges).
"""

from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from registry.errors import WeightsChanged
from service.http.digest_fields import repr_digest
from service.http.openapi_refs import SAFETENSORS_MEDIA_TYPE
from service.server.file_response import ZeroCopyFileResponse


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
        return ZeroCopyFileResponse(self.path, media_type=SAFETENSORS_MEDIA_TYPE, headers=headers, filename=filename)


def _matches(condition: str, etag: str) -> bool:
    """Whether a list of entity tags names this one; weak tags name nothing that is sent in ranges."""
    return any(item.strip() in {"*", etag} for item in condition.split(","))
