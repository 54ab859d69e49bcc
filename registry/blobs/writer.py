"""Blob writer: hashes while writing, then syncs and renames; used for single and resumable uploads."""

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from registry.blob import Blob, Hasher, format_digest
from registry.blobs.filesystem import begin_writing, check_free, locked, room, sync_folder
from registry.errors import DigestMismatch

_READ = 1 << 20
_AHEAD = 16 << 20
"""Bytes after which write-back starts, so that the commit has little left to sync."""

_STEP = 64 << 20
"""Bytes that are allocated ahead of what has arrived."""

UploadCopy = Callable[[Path, str], None]
"""Uploads a complete file under its digest to a bucket, before it becomes a blob in the folder."""


class FileBlobWriter:
    """An open file that becomes a blob: written in order, hashed while writing, named by its digest at the commit.

    blobs: the folder of all blobs; lock: see `files.py`; min_free: bytes of the file system that stay free.
    upload_copy: called before the blob becomes visible.
    """

    def __init__(
        self, path: Path, file: int, blobs: Path, lock: Path, min_free: int, upload_copy: UploadCopy | None = None
    ) -> None:
        self._path = path
        self._file = file
        self._blobs = blobs
        self._lock = lock
        self._min_free = min_free
        self._upload_copy = upload_copy
        self._hasher: Hasher = hashlib.sha256()
        self._hashed = 0
        self._written = 0
        self._begun = 0
        self._expected = 0
        self._allocated = 0
        self._open = True

    @property
    def written(self) -> int:
        """Bytes written so far."""
        return self._written

    def reserve(self, size: int) -> None:
        """Announce the size of the file, so that a full disk is reported before the bytes are sent.

        Blocks are allocated in steps ahead of what has arrived: a header that announces too much occupies one step.
        Raises StorageFull.
        """
        check_free(self._path.parent, size - self._written, self._min_free)
        self._expected = size
        self._allocate()

    def _allocate(self) -> None:
        """Allocate the next step once half of the last one is used."""
        if self._allocated >= self._expected or self._written + _STEP // 2 <= self._allocated:
            return
        end = min(self._expected, self._written + _STEP)
        with room():
            try:
                os.posix_fallocate(self._file, 0, max(end, 1))
            except OSError as error:
                if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
                    raise
        self._allocated = end

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append and hash bytes. Raises StorageFull."""
        self._allocate()
        view = memoryview(data)
        if self._hashed == self._written:
            self._hasher.update(view)
            self._hashed += len(view)
        with room():
            while view:
                count = os.pwrite(self._file, view, self._written)
                self._written += count
                view = view[count:]
        if self._written - self._begun >= _AHEAD:
            begin_writing(self._file, self._begun, self._written)
            self._begun = self._written

    def read(self, start: int, length: int) -> bytes:
        """Bytes that have been written."""
        return os.pread(self._file, length, start)

    def commit(self, expected: str | None = None) -> Blob:
        """Sync the file, rename it to its digest, and sync the folder. Raises DigestMismatch, StorageFull."""
        digest = self._digest(expected)
        self._publish(digest)
        self._close()
        return Blob(digest=digest, size=self._written)

    def abort(self) -> None:
        """Delete the file."""
        if self._open:
            self._close()
            self._path.unlink(missing_ok=True)

    def _digest(self, expected: str | None) -> str:
        """The digest of all written bytes; those that were not hashed while writing are read again."""
        while self._hashed < self._written:
            piece = os.pread(self._file, min(_READ, self._written - self._hashed), self._hashed)
            self._hasher.update(piece)
            self._hashed += len(piece)
        digest = format_digest(self._hasher)
        if expected is not None and digest != expected:
            self.abort()
            raise DigestMismatch(expected, digest)
        return digest

    def _publish(self, digest: str) -> None:
        folder = self._blobs / digest[7:9]
        with room():
            os.ftruncate(self._file, self._written)
            os.fchmod(self._file, 0o444)
            os.fsync(self._file)
        if self._upload_copy is not None:
            self._upload_copy(self._path, digest)
        with room():
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                sync_folder(self._blobs)
            with locked(self._lock, fcntl.LOCK_SH):
                # The grace period begins now and not with the last byte, so that a slow caller has all of it.
                os.utime(self._file)
                self._path.rename(folder / digest[7:])
            sync_folder(folder)

    def _close(self) -> None:
        self._open = False
        if self._allocated > self._written:
            # Blocks that were allocated ahead are freed, also while a resumable upload is paused.
            os.ftruncate(self._file, self._written)
        os.close(self._file)
