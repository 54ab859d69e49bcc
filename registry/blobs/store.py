"""What every blob store can do. `registry/blobs/files.py` keeps blobs as files."""

from pathlib import Path
from typing import Protocol

from registry.blob import Blob


class BlobWriter(Protocol):
    """Bytes on their way into the store: invisible until `commit`, gone after `abort`. Not thread-safe."""

    @property
    def written(self) -> int:
        """Bytes written so far."""

    def reserve(self, size: int) -> None:
        """Take room for `size` bytes in all. Raises StorageFull at once when there is none."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes, and hash them. Raises StorageFull."""

    def read(self, start: int, length: int) -> bytes:
        """Bytes that have been written, for checks before the commit."""

    def commit(self, expected: str | None = None) -> Blob:
        """Make the bytes durable and visible under their digest.

        Committing bytes that the store has already is no error. Raises DigestMismatch when `expected` is another
        digest (nothing is kept), StorageFull.
        """

    def abort(self) -> None:
        """Forget everything written. Does nothing after a commit or an earlier abort."""


class BlobStore(Protocol):
    """Immutable bytes named by their sha256."""

    def create(self) -> BlobWriter:
        """Begin a new blob."""

    def get(self, digest: str) -> Blob:
        """The blob of this digest. Raises BlobNotFound."""

    def touch(self, digest: str) -> Blob:
        """The blob of this digest, young again: it will not be collected soon. Raises BlobNotFound."""

    def path(self, digest: str) -> Path:
        """A local, read-only file with the blob's bytes. Raises BlobNotFound."""
