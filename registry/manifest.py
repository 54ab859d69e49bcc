"""Manifests: what the ledger says, written beside the blobs, so that the ledger can be rebuilt from them."""

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
    """A lineage and all that may change about it. `retired`: number of a version -> when it was retired."""

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
    """Where manifests are kept."""

    def write(self, lineage: str, name: str, text: str) -> None:
        """Replace one manifest, durably. Raises StorageFull."""

    def exclusively(self, lineage: str, *, wait: bool) -> AbstractContextManager[bool]:
        """Keep other processes from writing a lineage's manifests. False when one is at it and `wait` is not set."""

    def read(self, lineage: str, name: str) -> str | None:
        """One manifest, or None."""

    def read_all(self) -> Iterable[tuple[str, str]]:
        """(place, text) of every manifest; the place is for messages."""


class ManifestSource(Protocol):
    """The part of a state store that manifests are made from."""

    def due_manifests(self) -> Mapping[str, Mapping[str, int]]:
        """Lineage -> name of a manifest that is to be written -> the revision that it is due for."""

    def lineage_manifest(self, lineage: str) -> LineageManifest:
        """Raises LineageNotFound."""

    def version_manifest(self, lineage: str, number: int) -> VersionManifest:
        """Raises VersionNotFound."""

    def ack_manifest(self, lineage: str, name: str, revision: int) -> bool:
        """Say that a manifest was written; False when it changed meanwhile and is still due."""


def write_due(state: ManifestSource, manifests: ManifestStore, *, wait: bool = False) -> int:
    """Write every manifest that is due; returns how many. Any process may do it, at any time, beside others.

    Every change of the ledger notes in the same step which manifest it makes due, so a crash between the change and
    the writing leaves it due. One process at a time writes a lineage's, so that the last text written is the last one
    read; a lineage that another process is at is left to it, or with `wait` waited for. Raises StoreUnavailable,
    StorageFull.
    """
    written = 0
    for lineage in state.due_manifests():
        with manifests.exclusively(lineage, wait=wait) as ours:
            # Asked again, for somebody else may have written them while we waited.
            due = state.due_manifests().get(lineage, {}) if ours else {}
            for name, revision in due.items():
                written += _write_one(state, manifests, lineage, name, revision)
    return written


def _write_one(state: ManifestSource, manifests: ManifestStore, lineage: str, name: str, revision: int) -> bool:
    """False when it is due still, or again.

    Where turns can end before their time, somebody else may have written a newer text meanwhile; that shows in a
    revision that is no longer due, and then what is newest is written once more.
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
