"""Resumable uploads as files.

    <root>/resumable/
    ├── lock                            held while one is created, so that nobody opens more than they may
    └── <32 hex digits>/                one upload; its name is made here
        ├── record.json                 Upload: replaced at each checkpoint, after the bytes that it counts were synced
        └── data                        the bytes; locked by whoever writes them; gone once they have become a blob

The offset is what the record says, never the size of the file: bytes beyond it are overwritten. It reaches the length
only when the blob is there. A death between naming the digest in the record and the end leaves either the bytes, which
are then sent again from the last checkpoint, or no bytes, which means that the blob is there.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from registry.base_record import now
from registry.blob import Blob
from registry.blobs.filesystem import check_free, locked, replace_text, room, sync_folder
from registry.blobs.writer import FileBlobWriter, Shelve
from registry.errors import OffsetMismatch, TooManyUploads, UploadBusy, UploadNotFound
from registry.upload import Upload

_ID = re.compile(r"[0-9a-f]{32}")
_BETWEEN_BYTES = 64 << 20
_BETWEEN_SECONDS = 5.0
_UNBORN_SECONDS = 600.0
"""A folder without a record that is older than this belongs to a process that died while it made it."""

_HASHERS = 256
"""How many hashers of paused uploads are remembered: a few hundred bytes each."""


class FileUploads:
    """Resumable uploads in the blob store's folder. Several processes may use it at once.

    min_free: bytes of the file system that uploads leave free. lifetime: seconds that an upload is kept after its last
    byte. upload_copy: see `writer.py`.
    """

    def __init__(
        self, root: Path, min_free: int = 0, lifetime: float = 86_400.0, upload_copy: Shelve | None = None
    ) -> None:
        self._root = root / "resumable"
        self._blobs = root / "blobs"
        self._min_free = min_free
        self._shelve = upload_copy
        self._lifetime = timedelta(seconds=lifetime)
        self._hashers: OrderedDict[str, tuple[hashlib._Hash, int]] = OrderedDict()
        self._guard = threading.Lock()
        self._root.mkdir(parents=True, exist_ok=True)
        (self._blobs / "sha256").mkdir(parents=True, exist_ok=True)

    def create(self, upload: Upload, most: int) -> Upload:
        """Begin an upload. Raises TooManyUploads when its owner has `most` open, StorageFull."""
        check_free(self._root, upload.length, self._min_free)
        folder = self._root / upload.id
        fresh = upload.moved(0, self._expiry())
        with room(), locked(self._root / "lock", fcntl.LOCK_EX):
            if self.count(upload.owner) >= most:
                raise TooManyUploads(most)
            folder.mkdir()
            os.close(os.open(folder / "data", os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            replace_text(folder / "record.json", fresh.model_dump_json())
            sync_folder(self._root)
        return fresh

    def count(self, owner: str) -> int:
        """How many uploads of this owner have not become blobs yet."""
        found = 0
        for folder in self._folders():
            if (folder / "data").exists():
                with contextlib.suppress(UploadNotFound):
                    found += self._read(folder).owner == owner
        return found

    def get(self, upload_id: str) -> Upload:
        """How far an upload has come. Raises UploadNotFound, also when it has expired."""
        if _ID.fullmatch(upload_id) is None:
            raise UploadNotFound(upload_id)
        folder = self._root / upload_id
        upload = self._read(folder)
        if upload.digest is not None and not upload.done and not (folder / "data").exists():
            # The record is read once more: between the two looks it may have been finished or deleted.
            upload = self._read(folder)
            upload = upload if upload.digest is None else upload.moved(upload.length, upload.expires_at, upload.digest)
        if upload.expires_at < now():
            raise UploadNotFound(upload_id)
        return upload

    def open(self, upload_id: str, offset: int, *, checkpoints: bool = True) -> "FileUploadWriter":
        """Go on writing at `offset`; nobody else can until the writer is closed.

        checkpoints: whether bytes count as soon as they are on the disk, or only when the writer is paused.
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
        """Forget an upload; a blob that it became stays. Raises UploadNotFound, UploadBusy."""
        folder = self._root / self.get(upload_id).id
        with self._locked(folder):
            self.discard(folder)

    def expire(self, *, dry_run: bool = False) -> list[tuple[str, int]]:
        """Delete what has expired and what a death left half made; returns (name, bytes) of each."""
        gone = []
        for folder in self._folders():
            with contextlib.suppress(UploadBusy, FileNotFoundError), self._locked(folder):
                if self._is_over(folder):
                    size = sum(path.stat().st_size for path in folder.glob("data"))
                    if not dry_run:
                        self.discard(folder)
                    gone.append((folder.name, size))
        return gone

    # For the writer

    def save(self, upload: Upload, offset: int, digest: str | None = None) -> Upload:
        """Write the record anew."""
        moved = upload.moved(offset, self._expiry(), digest)
        replace_text(self._root / upload.id / "record.json", moved.model_dump_json())
        return moved

    def recall(self, upload: Upload) -> "tuple[hashlib._Hash, int]":
        """The hasher of the bytes so far, and how many of them it has seen: none, after a restart."""
        with self._guard:
            hasher, seen = self._hashers.pop(upload.id, (hashlib.sha256(), 0))
        return (hasher, seen) if seen == upload.offset else (hashlib.sha256(), 0)

    def remember(self, upload: Upload, hasher: "hashlib._Hash") -> None:
        """Keep a hasher that has seen all bytes up to the upload's offset."""
        with self._guard:
            self._hashers[upload.id] = (hasher, upload.offset)
            while len(self._hashers) > _HASHERS:
                self._hashers.popitem(last=False)

    @property
    def shelves(self) -> tuple[Path, Path, int, Shelve | None]:
        """Where blobs go: their folder, their lock, the bytes that stay free, and where else they must be before."""
        return self._blobs / "sha256", self._blobs / "lock", self._min_free, self._shelve

    # Below

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
                # A commit that was cut off may have made it read-only.
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
        """Keep writers away while the block runs, where there is still something to write. Raises UploadBusy."""
        with ExitStack() as stack:
            with contextlib.suppress(UploadNotFound):
                stack.callback(os.close, self._lock_data(folder))
            yield

    def discard(self, folder: Path) -> None:
        """Delete an upload that the caller has locked. The record goes first: bytes without one are nobody's."""
        with self._guard:
            self._hashers.pop(folder.name, None)
        (folder / "record.json").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


class FileUploadWriter(FileBlobWriter):
    """An upload that is being gone on with. What it has written at a checkpoint survives any death."""

    def __init__(self, store: FileUploads, folder: Path, upload: Upload, file: int, *, checkpoints: bool) -> None:
        super().__init__(folder / "data", file, *store.shelves)
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
        """Append and hash, with a checkpoint now and then. Raises StorageFull."""
        super().write(data)
        if self._checkpoints and (
            self._written - self.upload.offset >= _BETWEEN_BYTES
            or time.monotonic() - self._saved_at >= _BETWEEN_SECONDS
        ):
            self._save()

    def pause(self) -> Upload:
        """Make all that was written durable, and close. Raises StorageFull."""
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
        """Forget what was written since the last checkpoint, and close."""
        if self._open:
            if self._before is not None:
                self._store.remember(self.upload, self._before)
            self._close()
        return self.upload

    def commit(self, expected: str | None = None) -> Blob:
        """As every blob writer's; the upload's record then names the blob. A wrong digest deletes the upload."""
        digest = self._digest(expected)
        # From here until the end a death is told by whether the bytes are still here: see the head of this file.
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
        """A checkpoint. The last byte counts only with the commit."""
        offset = min(self._written, self.upload.length - 1)
        with room():
            os.fdatasync(self._file)
        self.upload = self._store.save(self.upload, offset)
        self._saved_at = time.monotonic()
