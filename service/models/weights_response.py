"""Response with a version's weights: an immutable file with its sha256 as ETag, ranges and conditional requests.

Source: RFC 9110, sections 8.8.3 (ETag), 13 (conditional requests) and 14 (ranges).
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
class WeightsDownload:
    """Response with a version's weights.

    reference: the version's numbered name. is_alias: whether the requested name may later refer to another version.
    is_public: whether anyone may read the weights, so that shared caches may store them.
    """

    path: Path
    digest: str
    reference: str
    is_alias: bool
    is_public: bool

    def to_response(self, request: Request) -> Response:
        """The file, a range of it, or 304 when the client has it. Raises WeightsChanged."""
        etag = f'"{self.digest}"'
        if not _matches(request.headers.get("if-match", "*"), etag):
            raise WeightsChanged(self.reference)
        visibility = "public" if self.is_public else "private"
        headers = {
            "ETag": etag,
            "Repr-Digest": repr_digest(self.digest),
            "Cache-Control": "no-cache" if self.is_alias else f"{visibility}, max-age=31536000, immutable",
            "Content-Location": f"/models/{self.reference}/weights",
        }
        if _matches(request.headers.get("if-none-match", "").replace("W/", ""), etag):
            return Response(status_code=304, headers=headers)
        filename = f"{self.reference.replace('@', '-')}.safetensors"
        return ZeroCopyFileResponse(self.path, media_type=SAFETENSORS_MEDIA_TYPE, headers=headers, filename=filename)


def _matches(condition: str, etag: str) -> bool:
    """Whether a list of entity tags contains this one. Weak tags never match a file that is sent in ranges."""
    return any(item.strip() in {"*", etag} for item in condition.split(","))
