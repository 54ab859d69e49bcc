"""Manifests in a bucket, under the names of `manifests.py`."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from registry.blobs.s3_client import Bucket

_PAUSE = 0.2


class ManifestLocks(Protocol):
    """Locks in the state store: one process at a time writes a lineage's manifests."""

    def acquire_manifest_lock(self, lineage: str) -> str | None:
        """A token, or None while another process holds the lock, which expires after a minute."""

    def release_manifest_lock(self, lineage: str, token: str) -> None:
        """Release the lock that has this token."""


class S3Manifests:
    """See ManifestStore. Several processes on several machines may use it at once."""

    def __init__(self, bucket: Bucket, locks: ManifestLocks) -> None:
        self._bucket = bucket
        self._locks = locks

    @contextmanager
    def exclusively(self, lineage: str, *, wait: bool) -> Iterator[bool]:
        """Lock a lineage's manifests. False if another process holds the lock and `wait` is not set."""
        while (token := self._locks.acquire_manifest_lock(lineage)) is None:
            if not wait:
                yield False
                return
            time.sleep(_PAUSE)
        try:
            yield True
        finally:
            self._locks.release_manifest_lock(lineage, token)

    def write(self, lineage: str, name: str, text: str) -> None:
        """Replace one manifest."""
        self._bucket.put(_key(lineage, name), text.encode())

    def read(self, lineage: str, name: str) -> str | None:
        """One manifest, or None."""
        result = self._bucket.read(_key(lineage, name))
        return None if result is None else result.decode()

    def read_all(self) -> Iterator[tuple[str, str]]:
        """(key, text) of every manifest."""
        for key, _, _ in self._bucket.list("manifests"):
            result = self._bucket.read(key)
            if result is not None:
                yield key.removeprefix("manifests/"), result.decode()


def _key(lineage: str, name: str) -> str:
    return f"manifests/{hashlib.sha256(lineage.encode()).hexdigest()[:32]}/{name}.json"
