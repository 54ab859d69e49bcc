"""Blobs as files.

    <root>/
    ├── blobs/lock                          held together by writers, alone by whoever deletes a blob; for moments
    ├── blobs/sha256/ab/<64 hex digits>     one immutable file for each blob, mode 0444; ab are its first two digits
    └── uploads/<32 hex digits>             bytes on their way in; a name is made here, never by a client

A blob appears by rename, after its bytes and before its folder entry are synced; so a file under `blobs/` is always
whole. Its modification time says when it was last sent or named: `collection.py` spares what is young. Whoever writes
an upload holds a lock on it; what a crash left in `uploads/` has none.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.blob import Blob, format_digest
from registry.errors import BlobNotFound, DigestMismatch, StorageFull

_DIGEST = re.compile(r"^sha256:([0-9a-f]{64})$")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FileBlobStore:
    """A blob store in a folder of one file system. Several processes may use it at once.

    min_free: bytes of the file system that uploads leave free; past it they raise StorageFull.
    """

    def __init__(self, root: Path, min_free: int = 0) -> None:
        self._blobs = root / "blobs" / "sha256"
        self._uploads = root / "uploads"
        self._lock = root / "blobs" / "lock"
        self._min_free = min_free
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._uploads.mkdir(parents=True, exist_ok=True)

    def create(self) -> "FileBlobWriter":
        """Begin a new blob. Raises StorageFull."""
        return FileBlobWriter(self._uploads / secrets.token_hex(16), self._blobs, self._lock, self._min_free)

    def get(self, digest: str) -> Blob:
        """The blob of this digest. Raises BlobNotFound."""
        return Blob(digest=digest, size=self.path(digest).stat().st_size)

    def touch(self, digest: str) -> Blob:
        """The blob of this digest, young again: it will not be collected soon. Raises BlobNotFound."""
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


class FileBlobWriter:
    """One file under `uploads/`, hashed as it is written."""

    def __init__(self, path: Path, blobs: Path, lock: Path, min_free: int) -> None:
        self._path = path
        self._lock = lock
        self._blobs = blobs
        self._min_free = min_free
        self._hasher = hashlib.sha256()
        self._written = 0
        self._open = False
        with room():
            self._check_free(0)
            self._file = _begin(path)
        self._open = True

    @property
    def written(self) -> int:
        """Bytes written so far."""
        return self._written

    def reserve(self, size: int) -> None:
        """Allocate the file's blocks at once, so that a full disk is said before the bytes are sent."""
        with room():
            self._check_free(size - self._written)
            try:
                os.posix_fallocate(self._file, 0, max(size, 1))
            except OSError as error:
                if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
                    raise

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append and hash. Raises StorageFull."""
        view = memoryview(data)
        self._hasher.update(view)
        with room():
            while view:
                count = os.pwrite(self._file, view, self._written)
                self._written += count
                view = view[count:]

    def read(self, start: int, length: int) -> bytes:
        """Bytes that have been written."""
        return os.pread(self._file, length, start)

    def commit(self, expected: str | None = None) -> Blob:
        """Sync, name, and sync the folder. Raises DigestMismatch, StorageFull."""
        digest = format_digest(self._hasher)
        if expected is not None and expected != digest:
            self.abort()
            raise DigestMismatch(expected, digest)
        folder = self._blobs / digest[7:9]
        with room():
            os.ftruncate(self._file, self._written)
            os.fchmod(self._file, 0o444)
            os.fsync(self._file)
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                sync_folder(self._blobs)
            with locked(self._lock, fcntl.LOCK_SH):
                # It is young from now on, not from its last byte on: a slow caller has its whole grace before it.
                os.utime(self._file)
                self._path.rename(folder / digest[7:])
            sync_folder(folder)
        self._close()
        return Blob(digest=digest, size=self._written)

    def abort(self) -> None:
        """Delete the file."""
        if self._open:
            self._close()
            self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        self._open = False
        os.close(self._file)

    def _check_free(self, more: int) -> None:
        status = os.statvfs(self._path.parent)
        if status.f_bavail * status.f_frsize - more < self._min_free:
            raise OSError(errno.ENOSPC, "below the free space that must stay")


def _begin(path: Path) -> int:
    """Create an upload's file and lock it, again if somebody who tidies up was quicker than the lock."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def forget_abandoned(root: Path) -> int:
    """Delete the uploads in the blob store's folder whose writers are gone; returns how many there were.

    A writer holds a lock on its file for as long as it lives, so a file without one belongs to nobody.
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


@contextmanager
def room() -> Iterator[None]:
    """Translate the operating system's ways of saying that the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull(
                "The disk of the data folder has no room for these bytes. Nothing of them was kept; free some room "
                "(or lower ODEM_MIN_FREE_BYTES) and send them again."
            ) from error
        raise


@contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    """Hold a lock file, LOCK_SH or LOCK_EX, while the block runs. Source: flock(2)."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)
