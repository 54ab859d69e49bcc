"""sha256 digests of files, the names of blobs."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

Progress = Callable[[str, int, int], None]
"""Called with the phase (`hashing`, `sending`, `receiving`), the bytes done, and the total."""
PIECE = 1 << 20


def nothing(phase: str, done: int, total: int) -> None:
    """Show no progress."""


class Hasher:
    """An incremental sha256."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, data: bytes | memoryview) -> None:
        """Add bytes."""
        self._hash.update(data)

    @property
    def digest(self) -> str:
        """The blob name: `sha256:` and 64 hexadecimal digits."""
        return f"sha256:{self._hash.hexdigest()}"


def hash_file(path: Path, progress: Progress = nothing, into: Hasher | None = None) -> Hasher:
    """Hash a file in chunks; memory does not depend on its size. Raises OSError."""
    hasher = into or Hasher()
    total, done = path.stat().st_size, 0
    buffer = bytearray(PIECE)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(view[:count])
            done += count
            progress("hashing", done, max(done, total))
    return hasher


def repr_digest(digest: str) -> str:
    """A blob's digest as the value of Repr-Digest. Source: RFC 9530, section 3."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(digest.removeprefix('sha256:'))).decode()}:"
