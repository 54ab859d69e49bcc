"""The words of tus 1.0: its headers, read and written.

Extensions: creation, creation-with-upload, termination, checksum, expiration. Source: https://tus.io/protocols/resumable-upload
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime

from registry.blob import Digest
from registry.errors import MalformedUpload, MediaTypeUnsupported, TusVersionUnsupported
from registry.upload import Upload
from service.http.digest_fields import Expected, read_digests, repr_digest

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
CHECKSUMS = "sha1,sha256,sha512"
MEDIA_TYPE = "application/offset+octet-stream"
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_METADATA_LIMIT = 8192


def check_version(headers: Mapping[str, str]) -> None:
    """Raises TusVersionUnsupported unless the client speaks this version."""
    asked = headers.get("tus-resumable")
    if asked != VERSION:
        raise TusVersionUnsupported(asked, VERSION)


def check_media_type(headers: Mapping[str, str]) -> None:
    """Raises MediaTypeUnsupported unless the body is part of an upload."""
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != MEDIA_TYPE:
        raise MediaTypeUnsupported(f"Content-Type must be {MEDIA_TYPE}, not {kind[:60]!r}.")


def read_size(headers: Mapping[str, str], name: str) -> int:
    """Upload-Length or Upload-Offset, in bytes. Raises MalformedUpload."""
    text = headers.get(name.lower(), "")
    if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) is None:
        raise MalformedUpload(f"The header {name} must be a number of bytes, not {text[:30]!r}.")
    return int(text)


def read_metadata(headers: Mapping[str, str]) -> tuple[str, Digest | None]:
    """Upload-Metadata unchanged, and the digest in its key `sha256`, if any. Raises MalformedUpload."""
    text = headers.get("upload-metadata", "")
    if len(text) > _METADATA_LIMIT:
        raise MalformedUpload(f"Upload-Metadata exceeds {_METADATA_LIMIT} characters.")
    values: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else []:
        key, _, value = pair.strip().partition(" ")
        try:
            values[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise MalformedUpload(
                f"The value of {key[:50]!r} in Upload-Metadata is not base64-encoded UTF-8."
            ) from error
    if "sha256" not in values:
        return text, None
    match = _SHA256.fullmatch(values["sha256"].strip())
    if match is None:
        raise MalformedUpload("The sha256 in Upload-Metadata must be 64 lower-case hexadecimal digits.")
    return text, f"sha256:{match[1]}"


def read_checksums(headers: Mapping[str, str]) -> list[Expected]:
    """Expected digests of a body: Upload-Checksum, Content-Digest or Repr-Digest. Raises MalformedUpload."""
    result = read_digests(headers)
    text = headers.get("upload-checksum")
    if text is None:
        return result
    algorithm, _, value = text.strip().partition(" ")
    if algorithm not in CHECKSUMS.split(","):
        raise MalformedUpload(f"The checksum algorithm {algorithm[:30]!r} is not supported; use one of {CHECKSUMS}.")
    try:
        return [*result, Expected(algorithm, base64.b64decode(value, validate=True))]
    except binascii.Error as error:
        raise MalformedUpload("Upload-Checksum must be an algorithm, a space and base64.") from error


def capabilities(max_size: int) -> dict[str, str]:
    """Headers of the response to OPTIONS."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(max_size),
        "Tus-Checksum-Algorithm": CHECKSUMS,
    }


def standing(upload: Upload) -> dict[str, str]:
    """Headers with the state of an upload and, once it is complete, with the digest of its blob."""
    headers = {
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.length),
        "Upload-Expires": format_datetime(upload.expires_at.astimezone(UTC), usegmt=True),
        "Cache-Control": "no-store",
    }
    if upload.metadata:
        headers["Upload-Metadata"] = upload.metadata
    if upload.done and upload.digest is not None:
        headers |= {"Upload-Blob": upload.digest, "Repr-Digest": repr_digest(upload.digest)}
    return headers
