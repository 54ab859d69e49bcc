"""Digest fields of requests and responses: Content-Digest and Repr-Digest.

Source: RFC 9530, sections 2 (Content-Digest) and 3 (Repr-Digest); RFC 9651, section 3.3.5 (byte sequences). No route of
this service decodes a body, so both fields describe the same bytes.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Self

from registry.errors import ChecksumMismatch, DigestMismatch, MalformedUpload

_MEMBER = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)\s*=\s*:([A-Za-z0-9+/=]*):\s*")
_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512"}
_SIZES = {"sha256": 32, "sha512": 64, "sha1": 20}
FIELDS = ("content-digest", "repr-digest")


class Expected:
    """The expected digest of some bytes. Not thread-safe. Call `update` in a thread: it is slow.

    algorithm: hashlib's name.
    """

    def __init__(self, algorithm: str, value: bytes) -> None:
        if len(value) != _SIZES[algorithm]:
            raise MalformedUpload(f"A {algorithm} digest has {_SIZES[algorithm]} bytes, not {len(value)}.")
        self.algorithm = algorithm
        self.value = value
        self._hasher = hashlib.new(algorithm, usedforsecurity=False)

    @classmethod
    def from_digest(cls, digest: str) -> Self:
        """The expected digest of a blob with this name."""
        algorithm, _, value = digest.partition(":")
        return cls(algorithm, bytes.fromhex(value))

    @property
    def name(self) -> str:
        """The digest as blobs are named: `sha256:` and hexadecimal digits."""
        return f"{self.algorithm}:{self.value.hex()}"

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Hash the next bytes."""
        self._hasher.update(data)

    @property
    def holds(self) -> bool:
        """Whether the bytes have the expected digest."""
        return self._hasher.digest() == self.value

    def check(self) -> None:
        """Raises DigestMismatch."""
        if not self.holds:
            raise DigestMismatch(self.name, f"{self.algorithm}:{self._hasher.hexdigest()}")

    def check_piece(self) -> None:
        """Raises ChecksumMismatch."""
        if not self.holds:
            raise ChecksumMismatch(self.algorithm)


def read_digests(headers: Mapping[str, str]) -> list[Expected]:
    """Expected digests from Content-Digest and Repr-Digest: at most one for each algorithm.

    Raises MalformedUpload for a field that is malformed, has no supported algorithm, or contradicts the other.
    """
    result: dict[str, Expected] = {}
    for field in FIELDS:
        if (text := headers.get(field)) is None:
            continue
        useful = [_read_member(field, member) for member in text.split(",")]
        expected = [item for item in useful if item is not None]
        if not expected:
            raise MalformedUpload(f"{field} has no supported algorithm: send sha-256=:<base64>: (or sha-512).")
        for item in expected:
            if result.setdefault(item.algorithm, item).value != item.value:
                raise MalformedUpload("Content-Digest and Repr-Digest contradict each other.")
    return list(result.values())


def _read_member(field: str, member: str) -> Expected | None:
    match = _MEMBER.fullmatch(member)
    try:
        value = base64.b64decode(match[2], validate=True) if match else None
    except binascii.Error:
        value = None
    if match is None or value is None:
        raise MalformedUpload(f"{field} is not of the form sha-256=:<base64>:, but {member.strip()[:80]!r}.")
    algorithm = _ALGORITHMS.get(match[1])
    return None if algorithm is None else Expected(algorithm, value)


def blob_digest(expected: list[Expected]) -> str | None:
    """The digest of the blob that the body will be, if the client has announced it."""
    return next((item.name for item in expected if item.algorithm == "sha256"), None)


def repr_digest(digest: str) -> str:
    """A blob's digest as the value of Repr-Digest."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(digest.removeprefix('sha256:'))).decode()}:"
