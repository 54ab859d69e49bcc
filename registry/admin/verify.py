"""Verification: ledger, manifests and blobs agree, down to the bytes."""

import hashlib
from collections.abc import Iterator

from registry.blob import format_digest
from registry.blobs.store import AdminBlobStore
from registry.errors import BlobNotFound, VersionNotFound
from registry.manifest import LINEAGE, ManifestStore
from registry.state.state_store import StateStore
from registry.version import VersionReference


def verify(state: StateStore, manifests: ManifestStore, blobs: AdminBlobStore) -> Iterator[str]:
    """Yield one sentence per problem. Safe to run while the service runs.

    Every blob is read and hashed; every blob that the ledger needs must exist; each lineage's versions must be
    consecutive; each manifest must match the ledger, unless it is due to be written.
    """
    for digest, why in state.manifests.needed_blobs().items():
        try:
            blobs.get(digest)
        except BlobNotFound:
            yield f"missing: {digest}, {why}"
    for digest, _ in blobs.listed():
        actual = _hash(blobs, digest)
        if actual is not None and actual != digest:
            yield f"changed: the bytes of {digest} hash to {actual}"
    for lineage in state.lineages.list():
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
    expected: list[tuple[str, str]] = [(LINEAGE, state.manifests.lineage_manifest(lineage).model_dump_json())]
    for number in range(state.versions.head(lineage).number + 1):
        try:
            version = state.versions.get(VersionReference(lineage=lineage, version=str(number)))
        except VersionNotFound:
            yield f"gap: the ledger has no version {lineage}@{number}"
            continue
        expected.append((str(number), state.manifests.version_manifest(lineage, version.number).model_dump_json()))
    wrong = [(name, stored) for name, text in expected if (stored := manifests.read(lineage, name)) != text]
    due = state.manifests.due_manifests().get(lineage, {}) if wrong else {}
    for name, stored in wrong:
        if name not in due:
            yield f"manifest {'missing' if stored is None else 'differs'}: {lineage}, {name}"
