"""Garbage collection of orphan blobs and abandoned uploads.

An upload is abandoned if it was not written during the grace period and is not locked; a resumable one if it has
expired. A blob is an orphan if the ledger does not need it and it is older than the grace period. The order makes this
safe while gateways and workers run: first the old blobs are listed, then the ledger is read. A request that names a
blob, or sends its bytes again, restarts the blob's grace period before it changes the ledger; so a blob that the ledger
needs later is recent, and each blob's age is checked again, under the lock, just before it is deleted.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from registry.blob import Blob
from registry.blobs.files import FileBlobStore
from registry.blobs.store import AdminBlobStore
from registry.blobs.uploads import FileUploads
from registry.errors import InvalidInput

MIN_GRACE = 600.0
"""Seconds. A blob's last byte and the record that names it can be this far apart."""


@dataclass(frozen=True)
class Collected:
    """What was deleted, or would be in a dry run: upload files by name and size, and orphans."""

    uploads: list[tuple[str, int]] = field(default_factory=list)
    orphans: list[Blob] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Total bytes."""
        return sum(size for _, size in self.uploads) + sum(blob.size for blob in self.orphans)


def collect(
    root: Path,
    needed: Callable[[], Collection[str]],
    grace: float,
    *,
    dry_run: bool,
    blobs: AdminBlobStore | None = None,
) -> Collected:
    """Delete abandoned uploads in the data folder `root`, and orphans in `blobs`, by default those of `root`.

    needed: reads the digests that the ledger needs. grace: seconds; longer than any client waits between sending a blob
    and naming it, and than a worker between its last byte and its commit.
    Raises InvalidInput for a grace below MIN_GRACE, and what `needed` raises; then nothing was deleted.
    """
    if grace < MIN_GRACE:
        raise InvalidInput(
            f"The grace period must be at least {MIN_GRACE:g} s: a shorter one could delete what a merge needs next."
        )
    before = time.time() - grace
    store = blobs if blobs is not None else FileBlobStore(root)
    old = [digest for digest, moment in store.listed() if moment < before]
    wanted = needed()
    result = Collected()
    for digest in old:
        if digest not in wanted and (size := store.delete(digest, before, dry_run=dry_run)) is not None:
            result.orphans.append(Blob(digest=digest, size=size))
    for path in _files(root / "uploads", "*"):
        size = _delete_upload(path, before, dry_run)
        if size is not None:
            result.uploads.append((path.name, size))
    result.uploads.extend(FileUploads(root).expire(dry_run=dry_run))
    return result


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    return (path for path in sorted(folder.glob(pattern)) if path.is_file())


def _delete_upload(path: Path, before: float, dry_run: bool) -> int | None:
    """None if it is still being written, or was written recently."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(descriptor)
            if status.st_mtime < before:
                if not dry_run:
                    path.unlink(missing_ok=True)
                return status.st_size
        return None
    finally:
        os.close(descriptor)
