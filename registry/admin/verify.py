"""Verification: whether everything that the ledger says holds, down to the bytes."""

import hashlib
from collections.abc import Iterator

from registry.blob import format_digest
from registry.blobs.store import AdminBlobStore
from registry.errors import BlobNotFound, VersionNotFound
from registry.manifest import LINEAGE, ManifestStore
from registry.state.interface import StateStore
from registry.version import VersionReference


def verify(state: StateStore, manifests: ManifestStore, blobs: AdminBlobStore) -> Iterator[str]:
    """Every finding, one sentence each; nothing when all is well. It may run beside the service.

    All blobs are read and hashed; all that the ledger needs must be there; each lineage's versions must
    be consecutive; each manifest must say what the ledger says, unless it is due to be written.
    """
    for digest, why in state.needed_blobs().items():
        try:
            blobs.get(digest)
        except BlobNotFound:
            yield f"missing: {digest}, {why}"
    for digest, _ in blobs.listed():
        actual = _hash(blobs, digest)
        if actual is not None and actual != digest:
            yield f"changed: the bytes of {digest} hash to {actual}"
    for lineage in state.list_lineages():
        yield from _verify_lineage(lineage.name, state, manifests)


def _hash(blobs: AdminBlobStore, digest: str) -> str | None:
    hasher = hashlib.sha256()
    try:
        for piece in blobs.chunks(digest):
            hasher.update(piece)
    except (BlobNotFound, FileNotFoundError):  # collected meanwhile
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
