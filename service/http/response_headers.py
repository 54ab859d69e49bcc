"""What each header of an answer says, for the OpenAPI document."""

from typing import Any

_MEANINGS = {
    "Location": "Where the thing that was made is to be found.",
    "Retry-After": "Seconds after which it is worth while to ask again.",
    "WWW-Authenticate": "How to say who asks: `Bearer`, with `error` when a key was sent that will not do.",
    "Content-Length": "Size in bytes.",
    "Link": 'The next page, where there is one: `<...>; rel="next"`.',
    "Preference-Applied": "`wait=n`: how long was waited at most.",
    "ETag": "This state of it; for If-Match and If-None-Match.",
    "Content-Location": "The numbered version that these bytes belong to.",
    "Cache-Control": "How long the response may be cached: a numbered version's bytes never change.",
    "Content-Disposition": "A name for the file.",
    "Content-Range": "Which of the file's bytes these are.",
    "Accept-Ranges": "That ranges of bytes may be asked for.",
    "Repr-Digest": "The sha256 of the whole file (RFC 9530).",
    "Upload-Offset": "How many bytes are durably stored: go on from there.",
    "Upload-Length": "How many bytes there are to be.",
    "Upload-Expires": "When the upload is forgotten unless bytes come.",
    "Upload-Blob": "The digest of the blob that the upload has become; absent before.",
    "Tus-Version": "The version of tus that is spoken.",
    "Tus-Extension": "The extensions of tus that are spoken.",
    "Tus-Max-Size": "The largest upload, in bytes.",
    "Tus-Checksum-Algorithm": "Algorithms for Upload-Checksum.",
    "Last-Modified": "When the file was stored.",
}


def headers(*names: str) -> dict[str, Any]:
    """The `headers` member of a documented answer. Integers are declared as such, everything else as text."""
    return {"headers": {name: _described(name) for name in names}}


def _described(name: str) -> dict[str, Any]:
    kind = (
        "integer"
        if name in {"Retry-After", "Content-Length", "Upload-Offset", "Upload-Length", "Tus-Max-Size"}
        else "string"
    )
    return {"description": _MEANINGS[name], "schema": {"type": kind}}
