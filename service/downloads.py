"""Weights on their way out: an immutable file, its sha256 as ETag, with ranges and conditions.

Source: RFC 9110, sections 8.8.3 (ETag), 13 (conditions) and 14 (ranges).
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

SAFETENSORS_MEDIA_TYPE = "application/vnd.safetensors"


class BlobResponse(FileResponse):
    """A file in pieces of 1 MiB."""

    chunk_size = 1 << 20


def send_blob(request: Request, path: Path, digest: str, filename: str, location: str, *, immutable: bool) -> Response:
    """Answer with a blob's bytes, or 304 when the client has them.

    location: the numbered version's own URL, told in Content-Location. immutable: whether the URL asked for always
    means these bytes.
    """
    headers = {
        "ETag": f'"{digest}"',
        "Cache-Control": "public, max-age=31536000, immutable" if immutable else "no-cache",
        "Content-Location": location,
    }
    if _matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return BlobResponse(path, media_type=SAFETENSORS_MEDIA_TYPE, headers=headers, filename=filename)


def _matches(condition: str | None, etag: str) -> bool:
    if condition is None:
        return False
    return any(item.strip().removeprefix("W/") in {"*", etag} for item in condition.split(","))
