"""Blobs: bytes named by their sha256."""

from typing import Annotated, Protocol, Self

from pydantic import StringConstraints

from registry.base_record import Record

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 lower-case hexadecimal digits."""


class Hasher(Protocol):
    """An incremental hash, as `hashlib` makes them."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Hash more bytes."""

    def hexdigest(self) -> str:
        """The hash of the bytes so far, in hexadecimal digits."""

    def copy(self) -> Self:
        """An independent hasher of the same bytes."""


class Blob(Record):
    """A blob in the blob store. `size` is in bytes."""

    digest: Digest
    size: int


def format_digest(hasher: Hasher) -> str:
    """The digest of a finished sha256 hasher."""
    return f"sha256:{hasher.hexdigest()}"
