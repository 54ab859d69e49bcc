"""Blobs: bytes named by their sha256."""

import hashlib
from typing import Annotated

from pydantic import StringConstraints

from registry.base_record import Record

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 lower-case hexadecimal digits."""


class Blob(Record):
    """Bytes that the blob store holds. `size` is in bytes."""

    digest: Digest
    size: int


def format_digest(hasher: "hashlib._Hash") -> str:
    """The digest that a finished sha256 hasher stands for."""
    return f"sha256:{hasher.hexdigest()}"
