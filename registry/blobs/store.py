"""What every blob store can do. `files.py` keeps blobs as files, `s3.py` in a bucket."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from registry.blob import Blob
from registry.upload import Upload


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

    def check_room(self, size: int) -> None:
        """Raises StorageFull when there is no room for a blob of `size` bytes."""

    def get(self, digest: str) -> Blob:
        """The blob of this digest. Raises BlobNotFound."""

    def touch(self, digest: str) -> Blob:
        """The blob of this digest, young again: it will not be collected soon. Raises BlobNotFound."""

    def path(self, digest: str) -> Path:
        """A local, read-only file with the blob's bytes. Raises BlobNotFound."""


class AdminBlobStore(BlobStore, Protocol):
    """A blob store as those see it who look after all blobs: collection, verification."""

    def listed(self) -> Iterator[tuple[str, float]]:
        """Digest and time (seconds since 1970) of every blob: when it was last sent or named."""

    def chunks(self, digest: str) -> Iterator[bytes]:
        """A blob's bytes as they are kept, in pieces. Raises BlobNotFound."""

    def delete(self, digest: str, before: float, *, dry_run: bool = False) -> int | None:
        """Delete a blob unless it was sent or named since; returns its size, or None if it was or is not there."""


class UploadWriter(BlobWriter, Protocol):
    """A resumable upload on its way in. `written` begins at its offset; `abort` ends it for good."""

    @property
    def upload(self) -> Upload:
        """How far it is known to be, whatever dies."""

    def pause(self) -> Upload:
        """Make all that was written durable and let others go on. Raises StorageFull."""

    def rewind(self) -> Upload:
        """Forget what was written since the last checkpoint and let others go on."""


class UploadStore(Protocol):
    """Uploads that may come in several pieces; each becomes a blob when its last byte has come."""

    def create(self, upload: Upload, most: int) -> Upload:
        """Begin one. Raises TooManyUploads when its owner has `most` open, StorageFull."""

    def count(self, owner: str) -> int:
        """How many uploads of this owner have not become blobs yet."""

    def get(self, upload_id: str) -> Upload:
        """How far an upload has come. Raises UploadNotFound, also when it has expired."""

    def open(self, upload_id: str, offset: int, *, checkpoints: bool = True) -> UploadWriter:
        """Go on writing at `offset`; nobody else can until the writer is closed.

        checkpoints: whether bytes count as soon as they are on the disk, or only when the writer is paused.
        Raises UploadNotFound, UploadBusy, OffsetMismatch.
        """

    def delete(self, upload_id: str) -> None:
        """Forget an upload; a blob that it became stays. Raises UploadNotFound, UploadBusy."""


class AdminUploadStore(UploadStore, Protocol):
    """An upload store with the housekeeping of the gateway."""

    def expire(self) -> Sequence[tuple[str, int]]:
        """Delete what has expired; returns (name, bytes) of each."""
