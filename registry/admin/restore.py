"""Restore of the ledger from its manifests, into an empty state store."""

from collections import defaultdict
from dataclasses import dataclass, field

from pydantic import ValidationError

from registry.blobs.store import BlobStore
from registry.errors import BlobNotFound
from registry.manifest import LineageManifest, ManifestStore, VersionManifest
from registry.state.interface import LedgerStore


@dataclass
class Rebuilt:
    """The result: restored lineages with their number of versions, lineages that existed, and problems.

    A lineage with incomplete manifests is not restored; one with missing blobs is.
    """

    restored: dict[str, int] = field(default_factory=dict)
    present: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def rebuild(ledger: LedgerStore, manifests: ManifestStore, blobs: BlobStore) -> Rebuilt:
    """Restore every lineage that the state store does not have. Safe to repeat after a crash."""
    outcome = Rebuilt()
    lineages, versions = _read(manifests, outcome)
    for name in sorted({*lineages, *versions}):
        result = sorted(versions[name], key=lambda item: item.version.number)
        numbers = [item.version.number for item in result]
        if name not in lineages:
            outcome.problems.append(f"{name}: the lineage's own manifest is missing")
        elif not numbers or numbers != list(range(len(numbers))):
            gaps = sorted(set(range(max(numbers, default=0) + 1)) - set(numbers))
            outcome.problems.append(f"{name}: manifests are missing, of the versions {gaps}")
        elif not ledger.restore(lineages[name], result):
            outcome.present.append(name)
        else:
            outcome.restored[name] = len(result)
            outcome.problems += _missing_blobs(lineages[name], result, blobs)
    return outcome


def _read(
    manifests: ManifestStore, outcome: Rebuilt
) -> tuple[dict[str, LineageManifest], dict[str, list[VersionManifest]]]:
    lineages: dict[str, LineageManifest] = {}
    versions: dict[str, list[VersionManifest]] = defaultdict(list)
    for path, text in manifests.read_all():
        try:
            if path.endswith("lineage.json"):
                lineage = LineageManifest.model_validate_json(text)
                lineages[lineage.lineage.name] = lineage
            else:
                version = VersionManifest.model_validate_json(text)
                versions[version.version.lineage].append(version)
        except ValidationError as error:
            outcome.problems.append(f"manifests/{path} is not valid: {error.error_count()} errors")
    return lineages, versions


def _missing_blobs(lineage: LineageManifest, versions: list[VersionManifest], blobs: BlobStore) -> list[str]:
    missing = []
    for item in versions:
        version = item.version
        if version.number in lineage.retired:
            continue
        for digest in version.blobs:
            try:
                blobs.get(digest)
            except BlobNotFound:
                missing.append(f"{version.reference}: the blob {digest} is missing")
    return missing
