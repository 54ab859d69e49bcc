"""Response headers, described for the OpenAPI document."""

from typing import Any

_DESCRIPTIONS = {
    "Location": "URL of the new resource.",
    "Retry-After": "Seconds to wait before the next request.",
    "WWW-Authenticate": "The scheme `Bearer`; with `error` if the key that was sent is invalid or lacks the scope.",
    "Content-Length": "Size in bytes.",
    "Link": 'The next page, if there is one: `<...>; rel="next"`.',
    "Preference-Applied": "`wait=n`: the longest time in seconds that the request could wait.",
    "ETag": "State of the resource, for If-Match and If-None-Match.",
    "Content-Location": "URL under the version's number.",
    "Cache-Control": "How long the response may be cached: a numbered version's bytes never change.",
    "Content-Disposition": "File name for the download.",
    "Content-Range": "Position of these bytes in the file.",
    "Accept-Ranges": "`bytes`: the server supports ranges.",
    "Repr-Digest": "sha256 of the whole file (RFC 9530).",
    "Upload-Offset": "Bytes that are durably stored; continue from there.",
    "Upload-Length": "Size of the whole file in bytes.",
    "Upload-Expires": "When an unfinished upload is deleted.",
    "Upload-Blob": "Digest of the blob that the complete upload has become.",
    "Tus-Version": "Supported version of tus.",
    "Tus-Extension": "Supported extensions of tus.",
    "Tus-Max-Size": "Largest upload in bytes.",
    "Tus-Checksum-Algorithm": "Algorithms for Upload-Checksum.",
}
_INTEGERS = {"Retry-After", "Content-Length", "Upload-Offset", "Upload-Length", "Tus-Max-Size"}


def headers(*names: str) -> dict[str, Any]:
    """The `headers` member of a documented response."""
    types = {name: "integer" if name in _INTEGERS else "string" for name in names}
    return {"headers": {name: {"description": _DESCRIPTIONS[name], "schema": {"type": types[name]}} for name in names}}
