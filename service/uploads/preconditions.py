"""What can be said of a file from its request's headers alone, before a byte of it is asked for.

The server sends 100 Continue when a route first reads its body; whatever is raised here comes instead of it.
Source: RFC 9110, section 10.1.1.
"""

from starlette.requests import Request

from registry.errors import EncodingUnsupported, TooLarge
from service.pipeline.context import Context


def announced(request: Request) -> int:
    """The body's size in bytes as Content-Length says, 0 when it does not."""
    return int(request.headers.get("content-length") or 0)


def foresee(context: Context, request: Request, most: int | None = None) -> None:
    """Refuse a file that cannot be taken. Raises EncodingUnsupported, TooLarge, StorageFull.

    most: bytes that the body may have, where that is less than any body may have.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise EncodingUnsupported(encoding)
    size = announced(request)
    if most is not None and size > most:
        raise TooLarge(f"The file has {size} bytes; at most {most} are allowed (ODEM_MAX_UPLOAD_BYTES).")
    context.blobs.check_room(size)
