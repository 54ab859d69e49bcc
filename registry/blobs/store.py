"""Contracts of blob stores and upload stores. `files.py` keeps blobs as files, `s3.py` in a bucket."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from registry.blob import Blob
from registry.upload import Upload


class BlobWriter(Protocol):
    """A blob being written: invisible until `commit`, deleted by `abort`. Not thread-safe."""

    @property
    def written(self) -> int:
        """Bytes written so far."""

    def reserve(self, size: int) -> None:
        """Announce `size` bytes in total. Raises StorageFull if there is no room for them."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append and hash bytes. Raises StorageFull."""

    def read(self, start: int, length: int) -> bytes:
        """Bytes that were written, for checks before the commit."""

    def commit(self, expected: str | None = None) -> Blob:
        """Make the bytes durable and visible under their digest.

        Committing bytes that the store already has is no error. Raises DigestMismatch if `expected` is another
        digest (nothing is stored), StorageFull.
        """

    def abort(self) -> None:
        """Discard everything written. Does nothing after a commit or an earlier abort."""


class BlobStore(Protocol):
    """Immutable bytes named by their sha256."""

    def create(self) -> BlobWriter:
        """A writer for a new blob."""

    def check_room(self, size: int) -> None:
        """Raises StorageFull if there is no room for a blob of `size` bytes."""

    def get(self, digest: str) -> Blob:
        """The blob with this digest. Raises BlobNotFound."""

    def touch(self, digest: str) -> Blob:
        """Restart the grace period of a blob, so that it is not collected soon. Raises BlobNotFound."""

    def path(self, digest: str) -> Path:
        """A local, read-only file with the blob's bytes. Raises BlobNotFound."""


class AdminBlobStore(BlobStore, Protocol):
    """A blob store with the operations of garbage collection and verification."""

    def listed(self) -> Iterator[tuple[str, float]]:
        """Digest and time (seconds since 1970) of every blob: when it was last sent or named."""

    def chunks(self, digest: str) -> Iterator[bytes]:
        """A blob's stored bytes, in chunks. Raises BlobNotFound."""

    def delete(self, digest: str, before: float, *, dry_run: bool = False) -> int | None:
        """Delete a blob unless it was sent or named since; returns its size, or None if it was not deleted."""


class UploadWriter(BlobWriter, Protocol):
    """A resumed upload. `written` begins at its offset; `abort` deletes it."""

    @property
    def upload(self) -> Upload:
        """The upload as of its last checkpoint."""

    def pause(self) -> Upload:
        """Make all written bytes durable and unlock the upload. Raises StorageFull."""

    def rewind(self) -> Upload:
        """Discard what was written since the last checkpoint and unlock the upload."""


class UploadStore(Protocol):
    """Resumable uploads; each becomes a blob when it is complete."""

    def create(self, upload: Upload, limit: int) -> Upload:
        """Create an upload. Raises TooManyUploads when its owner has `limit` open, StorageFull."""

    def count(self, owner: str) -> int:
        """How many unfinished uploads this owner has."""

    def get(self, upload_id: str) -> Upload:
        """The upload with its offset. Raises UploadNotFound, also if it has expired."""

    def open(self, upload_id: str, offset: int, *, checkpoints: bool = True) -> UploadWriter:
        """Resume writing at `offset`; no other writer can until this one is closed.

        checkpoints: whether the offset advances while writing, or only when the writer is paused.
        Raises UploadNotFound, UploadBusy, OffsetMismatch.
        """

    def delete(self, upload_id: str) -> None:
        """Delete an upload; a blob that it became stays. Raises UploadNotFound, UploadBusy."""


class AdminUploadStore(UploadStore, Protocol):
    """An upload store with the housekeeping of the gateway."""

    def expire(self) -> Sequence[tuple[str, int]]:
        """Delete expired uploads; returns (name, bytes) of each."""
