"""Verification: whether everything that the ledger says holds, down to the bytes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from registry.blob import format_digest
from registry.blobs.store import BlobStore
from registry.errors import BlobNotFound, VersionNotFound
from registry.manifest import LINEAGE, ManifestStore
from registry.state.store import StateStore
from registry.version import VersionReference

_CHUNK = 1 << 20


def verify(state: StateStore, manifests: ManifestStore, blobs: BlobStore, root: Path) -> Iterator[str]:
    """Every finding, one sentence each; nothing when all is well. It may run beside the service.

    All blobs under `root` are read and hashed; all that the ledger needs must be there; each lineage's versions must
    be consecutive; each manifest must say what the ledger says, unless it is due to be written.
    """
    for digest, why in state.needed_blobs().items():
        try:
            blobs.get(digest)
        except BlobNotFound:
            yield f"missing: {digest}, {why}"
    for path in sorted((root / "blobs" / "sha256").glob("*/*")):
        actual = _hash(path)
        if actual is not None and actual != f"sha256:{path.name}":
            yield f"changed: the bytes of sha256:{path.name} hash to {actual}"
    for lineage in state.list_lineages():
        yield from _verify_lineage(lineage.name, state, manifests)


def _hash(path: Path) -> str | None:
    hasher = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
    except FileNotFoundError:  # collected meanwhile
        return None
    return format_digest(hasher)


def _verify_lineage(lineage: str, state: StateStore, manifests: ManifestStore) -> Iterator[str]:
    expected: list[tuple[str, str]] = [(LINEAGE, state.lineage_manifest(lineage).model_dump_json())]
    for number in range(state.head(lineage).number + 1):
        try:
            version = state.get_version(VersionReference(lineage=lineage, version=str(number)))
        except VersionNotFound:
            yield f"gap: the ledger has no version {lineage}@{number}"
            continue
        expected.append((str(number), state.version_manifest(lineage, version.number).model_dump_json()))
    wrong = [(name, stored) for name, text in expected if (stored := manifests.read(lineage, name)) != text]
    due = state.due_manifests().get(lineage, {}) if wrong else {}
    for name, stored in wrong:
        if name not in due:
            yield f"manifest {'missing' if stored is None else 'differs'}: {lineage}, {name}"
