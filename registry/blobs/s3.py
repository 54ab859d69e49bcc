"""Blobs in a bucket, with a folder on this machine as cache and for unfinished uploads.

    <bucket>/<prefix>/
    ├── blobs/sha256/ab/<64 hex digits>     one immutable object per blob; ab are its first two digits
    ├── young/<64 hex digits>               empty; its time is when the blob was last sent or named
    ├── leaving/<64 hex digits>             empty; the blob is about to be deleted
    └── manifests/<32 hex digits>/*.json    see `manifests.py`

    <data folder>                           see `files.py`; `blobs/` holds copies of recently used blobs

A blob's name is known only after its last byte, and S3 cannot rename. So bytes arrive in a file, as without a bucket,
and the commit uploads them in parts before it returns. Readers map files: a blob that is not in the cache is fetched,
hashed meanwhile, and kept until the folder exceeds its limit.

A bucket has no locks. A process that sends or names a blob writes `young/` and then checks `leaving/`; one that deletes
it writes `leaving/` and then checks `young/`. In any order, at least one of the two sees the other and gives way.
"""

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from registry.blob import Blob
from registry.blobs.files import FileBlobStore
from registry.blobs.filesystem import locked
from registry.blobs.s3_client import Bucket
from registry.blobs.writer import FileBlobWriter
from registry.errors import BlobNotFound, DigestMismatch, StoreUnavailable

_HEX = re.compile(r"sha256:([0-9a-f]{64})")
_IN_USE_SECONDS = 60.0
"""A copy that was requested within this time may not be open yet, so it is not evicted."""

_LEAVING_SECONDS = 20.0


class S3BlobStore:
    """A blob store in a bucket. Several processes on several machines may use it at once, each machine its own `root`.

    min_free: see FileBlobStore. cache_bytes: limit of the blobs in `root`, apart from those just used.
    """

    def __init__(self, bucket: Bucket, root: Path, min_free: int = 0, cache_bytes: int = 1 << 40) -> None:
        self._bucket = bucket
        self._arriving = FileBlobStore(root, min_free, self.upload_copy)
        self._copies = FileBlobStore(root, min_free)
        self._root = root / "blobs"
        self._cache_bytes = cache_bytes

    def create(self) -> FileBlobWriter:
        """A writer for a new blob. Raises StorageFull."""
        return self._arriving.create()

    def check_room(self, size: int) -> None:
        """Raises StorageFull if the cache's disk has no room for `size` bytes."""
        self._arriving.check_room(size)

    def get(self, digest: str) -> Blob:
        """The blob with this digest. Raises BlobNotFound."""
        result = self._bucket.head(_key(digest))
        if result is None:
            raise BlobNotFound(digest)
        return Blob(digest=digest, size=result[0])

    def touch(self, digest: str) -> Blob:
        """Restart the grace period of a blob, so that it is not collected soon. Raises BlobNotFound."""
        name = _name(digest)
        self._bucket.put(f"young/{name}", b"")
        if self._bucket.head(f"leaving/{name}") is not None:
            raise BlobNotFound(digest)
        return self.get(digest)

    def path(self, digest: str) -> Path:
        """A copy on this machine, fetched if necessary. Raises BlobNotFound, StorageFull."""
        with contextlib.suppress(BlobNotFound):
            return self._used(digest)
        (self._root / "fetching").mkdir(exist_ok=True)
        # One process per machine fetches a blob; the others wait.
        with locked(self._root / "fetching" / _name(digest)[:2], fcntl.LOCK_EX):
            with contextlib.suppress(BlobNotFound):
                return self._used(digest)
            self._fetch(digest)
            return self._used(digest)

    def upload_copy(self, path: Path, digest: str) -> None:
        """Upload a complete file to the bucket as this blob, unless the bucket has it."""
        name, size = _name(digest), path.stat().st_size
        self._bucket.put(f"young/{name}", b"")
        deadline = time.monotonic() + _LEAVING_SECONDS
        while self._bucket.head(f"leaving/{name}") is not None:
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"Blob {digest} is being deleted (or `collect` was interrupted: run it again).")
            time.sleep(0.2)
        result = self._bucket.head(_key(digest))
        if result is None or result[0] != size:
            self._bucket.upload(_key(digest), path)
        self._evict(size)

    # Administration, see AdminBlobStore

    def listed(self) -> Iterator[tuple[str, float]]:
        """Digest and time of every blob; see AdminBlobStore."""
        young = {key.rpartition("/")[2]: moment for key, _, moment in self._bucket.list("young")}
        for key, _, moment in self._bucket.list("blobs/sha256"):
            name = key.rpartition("/")[2]
            yield f"sha256:{name}", max(moment, young.get(name, 0.0))

    def chunks(self, digest: str) -> Iterator[bytes]:
        """A blob's bytes in the bucket. Raises BlobNotFound."""
        pieces = self._bucket.pieces(_key(digest))
        if pieces is None:
            raise BlobNotFound(digest)
        yield from pieces

    def delete(self, digest: str, before: float, *, dry_run: bool = False) -> int | None:
        """Delete a blob unless it was sent or named since; see AdminBlobStore. One process may delete at a time."""
        name = _name(digest)
        result = self._bucket.head(_key(digest))
        if result is None or result[1] >= before:
            return None
        if dry_run:
            young = self._bucket.head(f"young/{name}")
            return None if young is not None and young[1] >= before else result[0]
        self._bucket.put(f"leaving/{name}", b"")
        try:
            young = self._bucket.head(f"young/{name}")
            if young is not None and young[1] >= before:
                return None
            self._bucket.delete(_key(digest))
            self._bucket.delete(f"young/{name}")
            self._copies.delete(digest, before)
        finally:
            self._bucket.delete(f"leaving/{name}")
        return result[0]

    def forget_interrupted(self) -> None:
        """Clear the marks of interrupted deletions; only while no other process deletes."""
        for key, _, _ in self._bucket.list("leaving"):
            self._bucket.delete(key)

    # The cache

    def _used(self, digest: str) -> Path:
        path = self._copies.path(digest)
        try:
            os.utime(path)
        except FileNotFoundError:
            raise BlobNotFound(digest) from None
        return path

    def _fetch(self, digest: str) -> None:
        size = self.get(digest).size
        self._evict(size)
        writer = self._copies.create()
        try:
            writer.reserve(size)
            for piece in self.chunks(digest):
                writer.write(piece)
            writer.commit(expected=digest)
        except DigestMismatch as error:
            raise StoreUnavailable(
                f"Blob {digest} is damaged in the bucket (digest {error.actual}). Run `registry.admin verify`."
            ) from error
        finally:
            writer.abort()

    def _evict(self, coming: int) -> None:
        """Delete the least recently used copies until `coming` bytes fit. Open files stay readable."""
        result = []
        for path in self._root.glob("sha256/*/*"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                result.append((status.st_mtime, status.st_size, path))
        excess = sum(size for _, size, _ in result) + coming - self._cache_bytes
        for used, size, path in sorted(result):
            if excess <= 0 or used > time.time() - _IN_USE_SECONDS:
                return
            if self._copies.delete(f"sha256:{path.name}", time.time() - _IN_USE_SECONDS) is not None:
                excess -= size


def _name(digest: str) -> str:
    match = _HEX.fullmatch(digest)
    if match is None:
        raise BlobNotFound(digest)
    return match[1]


def _key(digest: str) -> str:
    name = _name(digest)
    return f"blobs/sha256/{name[:2]}/{name}"
