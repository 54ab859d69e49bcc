"""Collection: deleting what nobody needs any more, and never what somebody is about to need.

An upload is abandoned when nobody has written to it for the grace period and nobody holds its lock; a resumable one
when it has expired. A blob is an orphan when the ledger does not need it and it is older than the grace period. The
order makes this safe beside running gateways and workers: first the old blobs are listed, then the ledger is asked.
Whoever names a blob that is there, or sends its bytes again, makes it young before the ledger learns of it; so what
the ledger learns of later is young, and each blob's age is looked at once more, under the lock, in the moment before
it is deleted.
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

LEAST_GRACE = 600.0
"""Seconds. A blob's last byte and the record that names it may be this far apart."""


@dataclass(frozen=True)
class Collected:
    """What was deleted, or in a dry run what would be: upload files by name and size, and orphans."""

    uploads: list[tuple[str, int]] = field(default_factory=list)
    orphans: list[Blob] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(size for _, size in self.uploads) + sum(blob.size for blob in self.orphans)


def collect(
    root: Path,
    needed: Callable[[], Collection[str]],
    grace: float,
    *,
    dry_run: bool,
    blobs: AdminBlobStore | None = None,
) -> Collected:
    """Delete abandoned uploads in the data folder `root`, and orphans among `blobs`, which else lie there too.

    needed: asks the ledger for the digests that it needs. grace: seconds; it must be longer than any client waits
    between sending a blob and naming it, and than a worker waits between its last byte and its commit.
    Raises InvalidInput for a grace below LEAST_GRACE, and what `needed` raises; then nothing was deleted.
    """
    if grace < LEAST_GRACE:
        raise InvalidInput(f"A grace period below {LEAST_GRACE:g} s could delete what a merge is about to name.")
    before = time.time() - grace
    shelves = blobs if blobs is not None else FileBlobStore(root)
    old = [digest for digest, moment in shelves.listed() if moment < before]
    wanted = needed()
    found = Collected()
    for digest in old:
        if digest not in wanted and (size := shelves.delete(digest, before, dry_run=dry_run)) is not None:
            found.orphans.append(Blob(digest=digest, size=size))
    for path in _files(root / "uploads", "*"):
        size = _delete_upload(path, before, dry_run)
        if size is not None:
            found.uploads.append((path.name, size))
    found.uploads.extend(FileUploads(root).expire(dry_run=dry_run))
    return found


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    return (path for path in sorted(folder.glob(pattern)) if path.is_file())


def _delete_upload(path: Path, before: float, dry_run: bool) -> int | None:
    """None when somebody still writes it, or wrote it lately."""
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
