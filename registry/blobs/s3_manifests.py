"""Manifests in a bucket, under the names that `manifests.py` draws for files."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from registry.blobs.s3_client import Bucket

_PAUSE = 0.2


class Turns(Protocol):
    """The part of a state store that lets one process at a time write a lineage's manifests."""

    def take_turn(self, lineage: str) -> str | None:
        """A token, or None while another process has the turn. A turn that nobody ends is over after a minute."""

    def end_turn(self, lineage: str, token: str) -> None:
        """Let the next one in."""


class S3Manifests:
    """See ManifestStore. Several processes on several machines may use it at once."""

    def __init__(self, bucket: Bucket, turns: Turns) -> None:
        self._bucket = bucket
        self._turns = turns

    @contextmanager
    def exclusively(self, lineage: str, *, wait: bool) -> Iterator[bool]:
        """Keep other processes from writing a lineage's manifests. False when one is at it and `wait` is not set."""
        while (token := self._turns.take_turn(lineage)) is None:
            if not wait:
                yield False
                return
            time.sleep(_PAUSE)
        try:
            yield True
        finally:
            self._turns.end_turn(lineage, token)

    def write(self, lineage: str, name: str, text: str) -> None:
        """Replace one manifest."""
        self._bucket.put(_key(lineage, name), text.encode())

    def read(self, lineage: str, name: str) -> str | None:
        """One manifest, or None."""
        found = self._bucket.read(_key(lineage, name))
        return None if found is None else found.decode()

    def read_all(self) -> Iterator[tuple[str, str]]:
        """(key, text) of every manifest."""
        for key, _, _ in self._bucket.list("manifests"):
            found = self._bucket.read(key)
            if found is not None:
                yield key.removeprefix("manifests/"), found.decode()


def _key(lineage: str, name: str) -> str:
    return f"manifests/{hashlib.sha256(lineage.encode()).hexdigest()[:32]}/{name}.json"
