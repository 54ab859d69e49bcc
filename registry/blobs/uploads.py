"""Resumable uploads as files.

    <root>/resumable/
    ├── lock                            held while one is created, so that no owner exceeds the limit
    └── <32 hex digits>/                one upload, under a random name
        ├── record.json                 Upload: replaced at each checkpoint, after the bytes that it counts are synced
        └── data                        the bytes; locked by their writer; gone once they have become a blob

The offset is that of the record, never the size of the file: bytes beyond it are overwritten. It reaches the length
only when the blob exists. A crash after the digest is recorded and before the end leaves either the bytes, which are
then sent again from the last checkpoint, or no bytes, which means that the blob exists.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cachetools import LRUCache

from registry.base_record import now
from registry.blob import Blob, Hasher
from registry.blobs.filesystem import check_free, locked, replace_text, room, sync_folder
from registry.blobs.writer import FileBlobWriter, UploadCopy
from registry.errors import OffsetMismatch, TooManyUploads, UploadBusy, UploadNotFound
from registry.upload import Upload

_ID = re.compile(r"[0-9a-f]{32}")
_BETWEEN_BYTES = 64 << 20
_BETWEEN_SECONDS = 5.0
_UNBORN_SECONDS = 600.0
"""A folder without a record that is older than this belongs to a process that died while creating it."""

_HASHERS = 256
"""How many hashers of paused uploads are kept: a few hundred bytes each."""


class FileUploads:
    """Resumable uploads in the blob store's folder. Several processes may use it at once.

    min_free: bytes of the file system that uploads leave free. lifetime: seconds that an upload is kept after its last
    byte. upload_copy: see `writer.py`.
    """

    def __init__(
        self, root: Path, min_free: int = 0, lifetime: float = 86_400.0, upload_copy: UploadCopy | None = None
    ) -> None:
        self._root = root / "resumable"
        self._blobs = root / "blobs"
        self._min_free = min_free
        self._upload_copy = upload_copy
        self._lifetime = timedelta(seconds=lifetime)
        self._hashers: LRUCache[str, tuple[Hasher, int]] = LRUCache(_HASHERS)
        self._guard = threading.Lock()
        self._root.mkdir(parents=True, exist_ok=True)
        (self._blobs / "sha256").mkdir(parents=True, exist_ok=True)

    def create(self, upload: Upload, limit: int) -> Upload:
        """Create an upload. Raises TooManyUploads when its owner has `limit` open, StorageFull."""
        check_free(self._root, upload.length, self._min_free)
        folder = self._root / upload.id
        fresh = upload.moved(0, self._expiry())
        with room(), locked(self._root / "lock", fcntl.LOCK_EX):
            if self.count(upload.owner) >= limit:
                raise TooManyUploads(limit)
            folder.mkdir()
            os.close(os.open(folder / "data", os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            replace_text(folder / "record.json", fresh.model_dump_json())
            sync_folder(self._root)
        return fresh

    def count(self, owner: str) -> int:
        """How many unfinished uploads this owner has."""
        result = 0
        for folder in self._folders():
            if (folder / "data").exists():
                with contextlib.suppress(UploadNotFound):
                    result += self._read(folder).owner == owner
        return result

    def get(self, upload_id: str) -> Upload:
        """The upload with its offset. Raises UploadNotFound, also if it has expired."""
        if _ID.fullmatch(upload_id) is None:
            raise UploadNotFound(upload_id)
        folder = self._root / upload_id
        upload = self._read(folder)
        if upload.digest is not None and not upload.done and not (folder / "data").exists():
            # The record is read again: between the two reads it may have been finished or deleted.
            upload = self._read(folder)
            upload = upload if upload.digest is None else upload.moved(upload.length, upload.expires_at, upload.digest)
        if upload.expires_at < now():
            raise UploadNotFound(upload_id)
        return upload

    def open(self, upload_id: str, offset: int, *, checkpoints: bool = True) -> "FileUploadWriter":
        """Resume writing at `offset`; no other writer can until this one is closed.

        checkpoints: whether the offset advances while writing, or only when the writer is paused.
        Raises UploadNotFound, UploadBusy, OffsetMismatch.
        """
        folder = self._root / self.get(upload_id).id
        file = self._lock_data(folder)
        with ExitStack() as stack:
            stack.callback(os.close, file)
            upload = self.get(upload_id)
            if upload.done or upload.offset != offset:
                raise OffsetMismatch(upload.offset, offset)
            writer = FileUploadWriter(self, folder, upload, file, checkpoints=checkpoints)
            stack.pop_all()
        return writer

    def delete(self, upload_id: str) -> None:
        """Delete an upload; a blob that it became stays. Raises UploadNotFound, UploadBusy."""
        folder = self._root / self.get(upload_id).id
        with self._locked(folder):
            self.discard(folder)

    def expire(self, *, dry_run: bool = False) -> list[tuple[str, int]]:
        """Delete expired uploads and those that a crash left half created; returns (name, bytes) of each."""
        gone = []
        for folder in self._folders():
            with contextlib.suppress(UploadBusy, FileNotFoundError), self._locked(folder):
                if self._is_over(folder):
                    size = sum(path.stat().st_size for path in folder.glob("data"))
                    if not dry_run:
                        self.discard(folder)
                    gone.append((folder.name, size))
        return gone

    # Used by the writer

    def save(self, upload: Upload, offset: int, digest: str | None = None) -> Upload:
        """Replace the record."""
        moved = upload.moved(offset, self._expiry(), digest)
        replace_text(self._root / upload.id / "record.json", moved.model_dump_json())
        return moved

    def recall(self, upload: Upload) -> tuple[Hasher, int]:
        """The hasher of the bytes so far, and how many of them it has hashed: none after a restart."""
        with self._guard:
            hasher, seen = self._hashers.pop(upload.id, (hashlib.sha256(), 0))
        return (hasher, seen) if seen == upload.offset else (hashlib.sha256(), 0)

    def remember(self, upload: Upload, hasher: Hasher) -> None:
        """Keep a hasher of all bytes up to the upload's offset."""
        with self._guard:
            self._hashers[upload.id] = (hasher, upload.offset)

    @property
    def blob_settings(self) -> tuple[Path, Path, int, UploadCopy | None]:
        """Settings of a FileBlobWriter: folder and lock of the blobs, bytes that stay free, the copy to make first."""
        return self._blobs / "sha256", self._blobs / "lock", self._min_free, self._upload_copy

    # Internals

    def _folders(self) -> Iterator[Path]:
        return (path for path in sorted(self._root.iterdir()) if _ID.fullmatch(path.name))

    def _expiry(self) -> datetime:
        return now() + self._lifetime

    def _read(self, folder: Path) -> Upload:
        try:
            return Upload.model_validate_json((folder / "record.json").read_bytes())
        except FileNotFoundError as error:
            raise UploadNotFound(folder.name) from error

    def _is_over(self, folder: Path) -> bool:
        try:
            return self._read(folder).expires_at < now()
        except UploadNotFound:
            return folder.stat().st_mtime < time.time() - _UNBORN_SECONDS

    def _lock_data(self, folder: Path) -> int:
        path = folder / "data"
        try:
            with contextlib.suppress(PermissionError):
                # An interrupted commit may have made it read-only.
                path.chmod(0o600)
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise UploadNotFound(folder.name) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(file)
            raise UploadBusy(folder.name) from error
        return file

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Keep writers out while the block runs, unless the upload is finished. Raises UploadBusy."""
        with ExitStack() as stack:
            with contextlib.suppress(UploadNotFound):
                stack.callback(os.close, self._lock_data(folder))
            yield

    def discard(self, folder: Path) -> None:
        """Delete an upload that the caller has locked. The record goes first, because bytes without one are unowned."""
        with self._guard:
            self._hashers.pop(folder.name, None)
        (folder / "record.json").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


class FileUploadWriter(FileBlobWriter):
    """A resumed upload. What it has written at a checkpoint survives any crash."""

    def __init__(self, store: FileUploads, folder: Path, upload: Upload, file: int, *, checkpoints: bool) -> None:
        super().__init__(folder / "data", file, *store.blob_settings)
        self._store = store
        self._folder = folder
        self._checkpoints = checkpoints
        self._saved_at = time.monotonic()
        self._written = upload.offset
        self._hasher, self._hashed = store.recall(upload)
        self._before = None if checkpoints else self._hasher.copy()
        self._published = False
        self.upload = upload

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append and hash, with regular checkpoints. Raises StorageFull."""
        super().write(data)
        if self._checkpoints and (
            self._written - self.upload.offset >= _BETWEEN_BYTES
            or time.monotonic() - self._saved_at >= _BETWEEN_SECONDS
        ):
            self._save()

    def pause(self) -> Upload:
        """Make all written bytes durable, and close. Raises StorageFull."""
        if self._open:
            try:
                if self._published:
                    self.upload = self._store.save(self.upload, self.upload.length, self.upload.digest)
                    return self.upload
                self._save()
                if self._hashed == self.upload.offset:
                    self._store.remember(self.upload, self._hasher)
            finally:
                self._close()
        return self.upload

    def rewind(self) -> Upload:
        """Discard what was written since the last checkpoint, and close."""
        if self._open:
            if self._before is not None:
                self._store.remember(self.upload, self._before)
            self._close()
        return self.upload

    def commit(self, expected: str | None = None) -> Blob:
        """Commit the blob and name it in the upload's record. A wrong digest deletes the upload."""
        digest = self._digest(expected)
        # After a crash from here on, whether the bytes are still there decides: see the module's docstring.
        self.upload = self._store.save(self.upload, self.upload.offset, digest)
        self._publish(digest)
        self._published = True
        self.upload = self._store.save(self.upload, self.upload.length, digest)
        self._close()
        return Blob(digest=digest, size=self._written)

    def abort(self) -> None:
        """Delete the upload."""
        if self._open:
            self._store.discard(self._folder)
            self._close()

    def _save(self) -> None:
        """Make a checkpoint. The last byte counts only with the commit."""
        offset = min(self._written, self.upload.length - 1)
        with room():
            os.fdatasync(self._file)
        self.upload = self._store.save(self.upload, offset)
        self._saved_at = time.monotonic()
