"""Blobs as files.

    <root>/
    ├── blobs/lock                          shared by writers, exclusive for deletion of a blob; held briefly
    ├── blobs/sha256/ab/<64 hex digits>     one immutable file per blob, mode 0444; ab are its first two digits
    ├── uploads/<32 hex digits>             unfinished uploads under random names, never a client's
    └── resumable/<32 hex digits>/          resumable uploads, see `uploads.py`

A blob appears by rename, after its bytes and before its folder entry are synced; so a file under `blobs/` is always
complete. Its modification time is when it was last sent or named: `garbage_collection.py` keeps recent ones. The writer
of an upload holds a lock on it; a file that a crash left in `uploads/` has none.
"""

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from registry.blob import Blob
from registry.blobs.filesystem import check_free, locked, room
from registry.blobs.writer import FileBlobWriter, UploadCopy
from registry.errors import BlobNotFound

_PIECE = 1 << 20
_DIGEST = re.compile(r"^sha256:([0-9a-f]{64})$")


class FileBlobStore:
    """A blob store in a folder of one file system. Several processes may use it at once.

    min_free: bytes of the file system that uploads leave free; beyond that they raise StorageFull. upload_copy: see
    `writer.py`; with it this is the local part of another store.
    """

    def __init__(self, root: Path, min_free: int = 0, upload_copy: UploadCopy | None = None) -> None:
        self._blobs = root / "blobs" / "sha256"
        self._uploads = root / "uploads"
        self._lock = root / "blobs" / "lock"
        self._min_free = min_free
        self._upload_copy = upload_copy
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._uploads.mkdir(parents=True, exist_ok=True)

    def create(self) -> FileBlobWriter:
        """A writer for a new blob. Raises StorageFull."""
        self.check_room(0)
        path = self._uploads / secrets.token_hex(16)
        with room():
            return FileBlobWriter(path, _begin(path), self._blobs, self._lock, self._min_free, self._upload_copy)

    def check_room(self, size: int) -> None:
        """Raises StorageFull if `size` more bytes would leave too few free."""
        check_free(self._uploads, size, self._min_free)

    def get(self, digest: str) -> Blob:
        """The blob with this digest. Raises BlobNotFound."""
        return Blob(digest=digest, size=self.path(digest).stat().st_size)

    def touch(self, digest: str) -> Blob:
        """Restart the grace period of a blob, so that it is not collected soon. Raises BlobNotFound."""
        with locked(self._lock, fcntl.LOCK_SH):
            path = self.path(digest)
            os.utime(path)
            return Blob(digest=digest, size=path.stat().st_size)

    def path(self, digest: str) -> Path:
        """The blob's file. Raises BlobNotFound."""
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise BlobNotFound(digest)
        path = self._blobs / match[1][:2] / match[1]
        if not path.is_file():
            raise BlobNotFound(digest)
        return path

    # Administration, see AdminBlobStore

    def listed(self) -> Iterator[tuple[str, float]]:
        """Digest and time (seconds since 1970) of every blob: when it was last sent or named."""
        for path in sorted(self._blobs.glob("*/*")):
            with contextlib.suppress(FileNotFoundError):
                yield f"sha256:{path.name}", path.stat().st_mtime

    def chunks(self, digest: str) -> Iterator[bytes]:
        """A blob's bytes, in chunks. Raises BlobNotFound."""
        with self.path(digest).open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def delete(self, digest: str, before: float, *, dry_run: bool = False) -> int | None:
        """Delete a blob unless it was sent or named since; returns its size, or None if it was not deleted."""
        with locked(self._lock, fcntl.LOCK_EX):
            try:
                path = self.path(digest)
            except BlobNotFound:
                return None
            status = path.stat()
            if status.st_mtime >= before:
                return None
            if not dry_run:
                path.unlink()
            return status.st_size


def _begin(path: Path) -> int:
    """Create an upload's file and lock it; repeat if `forget_abandoned` deleted it before the lock."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def forget_abandoned(root: Path) -> int:
    """Delete uploads whose writers have died; returns how many there were.

    A writer holds a lock on its file as long as it lives, so a file without a lock is abandoned.
    """
    count = 0
    for path in sorted((root / "uploads").glob("*")):
        with contextlib.suppress(FileNotFoundError, BlockingIOError, IsADirectoryError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                count += 1
            finally:
                os.close(descriptor)
    return count
