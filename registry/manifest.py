"""Manifests: copies of the ledger beside the blobs, from which it can be restored."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal, Protocol

from pydantic import Field

from registry.alias import Alias
from registry.base_record import Record
from registry.lineage import Lineage
from registry.merge import Merge
from registry.retention import Retention
from registry.version import Version

LINEAGE = "lineage"
"""The name of a lineage's own manifest; a version's is its number."""


class LineageManifest(Record):
    """A lineage with everything that can change. `retired`: number of a version -> when it was retired."""

    format: Literal[1] = 1
    lineage: Lineage
    aliases: tuple[Alias, ...] = ()
    pins: tuple[int, ...] = ()
    retention: Retention | None = None
    retired: dict[int, datetime] = Field(default_factory=dict)


class VersionManifest(Record):
    """A version and the merge that made it, absent for bases and rollbacks."""

    format: Literal[1] = 1
    version: Version
    merge: Merge | None = None


class ManifestStore(Protocol):
    """A store of manifests."""

    def write(self, lineage: str, name: str, text: str) -> None:
        """Replace one manifest, durably. Raises StorageFull."""

    def exclusively(self, lineage: str, *, wait: bool) -> AbstractContextManager[bool]:
        """Lock a lineage's manifests. False if another process holds the lock and `wait` is not set."""

    def read(self, lineage: str, name: str) -> str | None:
        """One manifest, or None."""

    def read_all(self) -> Iterable[tuple[str, str]]:
        """(path, text) of every manifest; the path is for messages."""


class ManifestSource(Protocol):
    """The part of a state store that manifests are made from."""

    def due_manifests(self) -> Mapping[str, Mapping[str, int]]:
        """Lineage -> name of a manifest that is to be written -> the revision that it is due for."""

    def lineage_manifest(self, lineage: str) -> LineageManifest:
        """Raises LineageNotFound."""

    def version_manifest(self, lineage: str, number: int) -> VersionManifest:
        """Raises VersionNotFound."""

    def ack_manifest(self, lineage: str, name: str, revision: int) -> bool:
        """Acknowledge that a manifest was written; False if it changed meanwhile and is still due."""


def write_due(state: ManifestSource, manifests: ManifestStore, *, wait: bool = False) -> int:
    """Write every manifest that is due; returns how many. Safe to call in several processes at once.

    Every change of the ledger marks its manifest as due in the same script, so a manifest stays due if a crash follows.
    One process at a time writes a lineage's manifests, so that the newest text is written last. Locked lineages are
    skipped, or waited for with `wait`. Raises StoreUnavailable, StorageFull.
    """
    written = 0
    for lineage in state.due_manifests():
        with manifests.exclusively(lineage, wait=wait) as ours:
            # Read again, because another process may have written them meanwhile.
            due = state.due_manifests().get(lineage, {}) if ours else {}
            for name, revision in due.items():
                written += _write_one(state, manifests, lineage, name, revision)
    return written


def _write_one(state: ManifestSource, manifests: ManifestStore, lineage: str, name: str, revision: int) -> bool:
    """Write one manifest; False if it is still due.

    A lock can expire early, and another process may then have written a newer text; the revision is then no longer due,
    and the newest text is written again.
    """
    text = _text(state, lineage, name)
    manifests.write(lineage, name, text)
    if state.ack_manifest(lineage, name, revision):
        return True
    while (newer := _text(state, lineage, name)) != text:
        manifests.write(lineage, name, newer)
        text = newer
    return False


def _text(state: ManifestSource, lineage: str, name: str) -> str:
    record = state.lineage_manifest(lineage) if name == LINEAGE else state.version_manifest(lineage, int(name))
    return record.model_dump_json()
