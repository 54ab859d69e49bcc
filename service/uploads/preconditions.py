"""Header-only upload checks before 100 Continue. Source: RFC 9110, section 10.1.1."""

from starlette.requests import Request

from registry.blobs.store import BlobStore
from registry.errors import EncodingUnsupported, TooLarge


def announced(request: Request) -> int:
    """The body's size in bytes according to Content-Length, 0 without it."""
    return int(request.headers.get("content-length") or 0)


def check_preconditions(blobs: BlobStore, request: Request, limit: int | None = None) -> None:
    """Refuse a file that cannot be stored. Raises EncodingUnsupported, TooLarge, StorageFull.

    limit: bytes, where a file may be smaller than any request body.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise EncodingUnsupported(encoding)
    size = announced(request)
    if limit is not None and size > limit:
        raise TooLarge(f"The file has {size} bytes; at most {limit} are allowed (ODEM_MAX_UPLOAD_BYTES).")
    blobs.check_room(size)
