"""Manifests as files.

    <root>/manifests/<32 hex digits>/lineage.json      a lineage with aliases, pins, retention; replaced on change
                                    /<number>.json     one of its versions
                                    /lock              held while they are written

The digits are the start of the sha256 of the lineage's name: no name that a client chose becomes part of a path.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from registry.blobs.filesystem import locked, replace_text, room, sync_folder


class FileManifests:
    """Manifests in a folder beside the blobs. Several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self._root = root / "manifests"

    @contextmanager
    def exclusively(self, lineage: str, *, wait: bool) -> Iterator[bool]:
        """Lock a lineage's manifests. False if another process holds the lock and `wait` is not set."""
        path = self._path(lineage, "lock").with_suffix("")
        self._make_folder(path.parent)
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(path, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    def write(self, lineage: str, name: str, text: str) -> None:
        """Replace one manifest, durably. Raises StorageFull."""
        path = self._path(lineage, name)
        self._make_folder(path.parent)
        replace_text(path, text)

    def read(self, lineage: str, name: str) -> str | None:
        """One manifest, or None."""
        try:
            return self._path(lineage, name).read_text("utf-8")
        except FileNotFoundError:
            return None

    def read_all(self) -> Iterator[tuple[str, str]]:
        """(file, text) of every manifest."""
        for path in sorted(self._root.glob("*/*.json")):
            yield str(path.relative_to(self._root)), path.read_text("utf-8")

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            with room():
                folder.mkdir(parents=True, exist_ok=True)
                sync_folder(self._root)
                sync_folder(self._root.parent)

    def _path(self, lineage: str, name: str) -> Path:
        return self._root / hashlib.sha256(lineage.encode()).hexdigest()[:32] / f"{name}.json"
