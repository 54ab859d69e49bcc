"""The ledger as a whole: manifests written from it and restored into an empty store, and the blobs that it needs."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from registry.errors import MergeNotFound
from registry.manifest import LineageManifest, VersionManifest
from registry.merge import Merge
from registry.state.aliases_retention import AliasRepository, RetentionRepository
from registry.state.connection import RedisClient
from registry.state.keys import LINEAGES, LineageKeys, merge_lineage
from registry.state.lineages import LineageRepository, VersionRepository
from registry.state.merges import REQUEST_FIELDS, MergeRepository
from registry.version import VersionReference

_LOCK_MS = 60_000


class _Records(Protocol):
    """The repositories whose records a manifest contains."""

    lineages: LineageRepository
    versions: VersionRepository
    aliases: AliasRepository
    retention: RetentionRepository
    merges: MergeRepository


class ManifestRepository:
    """See ManifestSource and LedgerStore."""

    def __init__(self, client: RedisClient, records: _Records) -> None:
        self._client = client
        self._records = records

    def due_manifests(self) -> Mapping[str, Mapping[str, int]]:
        """Lineage -> name of a manifest that is to be written -> the revision that it is due for."""
        names = self._names()

        def read(server: Any) -> list[dict[str, str]]:
            pipeline = server.pipeline(transaction=False)
            for name in names:
                pipeline.hgetall(LineageKeys(name).pending_manifests)
            replies: list[dict[str, str]] = pipeline.execute()
            return replies

        return {
            lineage: {name: int(revision) for name, revision in due.items()}
            for lineage, due in zip(names, self._client.call(read), strict=True)
            if due
        }

    def lineage_manifest(self, lineage: str) -> LineageManifest:
        """Raises LineageNotFound."""
        retired = self._client.call(lambda server: server.hgetall(LineageKeys(lineage).retired))
        return LineageManifest(
            lineage=self._records.lineages.get(lineage),
            aliases=tuple(self._records.aliases.list(lineage)),
            pins=tuple(self._records.retention.list_pins(lineage)),
            retention=self._records.retention.get(lineage),
            retired={int(number): datetime.fromisoformat(when) for number, when in retired.items()},
        )

    def version_manifest(self, lineage: str, number: int) -> VersionManifest:
        """Raises VersionNotFound."""
        version = self._records.versions.get(VersionReference(lineage=lineage, version=str(number)))
        merge = None
        if version.provenance is not None:
            try:
                merge = self._records.merges.get(version.provenance.merge)
            except MergeNotFound:
                merge = None
        return VersionManifest(version=version.model_copy(update={"retired_at": None}), merge=merge)

    def ack_manifest(self, lineage: str, name: str, revision: int) -> bool:
        """Acknowledge that a manifest was written; False if it changed meanwhile and is still due."""
        return bool(self._client.run("ack_manifest", [LineageKeys(lineage).pending_manifests], [name, revision]))

    def acquire_manifest_lock(self, lineage: str) -> str | None:
        """See `registry.blobs.s3_manifests.ManifestLocks`."""
        token, name = secrets.token_hex(8), LineageKeys(lineage).manifest_lock
        return token if self._client.call(lambda server: server.set(name, token, nx=True, px=_LOCK_MS)) else None

    def release_manifest_lock(self, lineage: str, token: str) -> None:
        """See `registry.blobs.s3_manifests.ManifestLocks`."""
        self._client.run("release_manifest_lock", [LineageKeys(lineage).manifest_lock], [token])

    def restore(self, manifest: LineageManifest, versions: Sequence[VersionManifest]) -> bool:
        """Restore a lineage from its manifests, as a whole; see LedgerStore.restore."""
        keys = LineageKeys(manifest.lineage.name)
        exists = self._client.call(lambda server: server.exists(keys.record))
        if not exists:
            self._client.call(lambda server: _restore(server, keys, manifest, versions))
        self._client.call(lambda server: server.sadd(LINEAGES, manifest.lineage.name))
        return not exists

    def needed_blobs(self) -> Mapping[str, str]:
        """Digest of every blob that the ledger needs -> what needs it; see LedgerStore.needed_blobs."""
        needed: dict[str, str] = {}
        for name in self._names():
            for digest, why in self._client.call(lambda server, name=name: list(_needed_by(server, name))):  # type: ignore[misc]
                needed.setdefault(digest, why)
        return needed

    def _names(self) -> list[str]:
        return sorted(self._client.call(lambda server: server.smembers(LINEAGES)))


def _needed_by(server: Any, lineage: str) -> Iterator[tuple[str, str]]:
    keys = LineageKeys(lineage)
    # The queue is read before the versions: a merge that ends in between is then seen twice rather than never.
    for merge_id in server.lrange(keys.queue, 0, -1):
        asked = json.loads(server.hget(keys.merge(merge_id), "record"))
        for field in ("checkpoint", "calibration"):
            if asked.get(field):
                yield asked[field], f"{field} of {merge_id}"
    record = server.get(keys.record)
    if record:
        yield json.loads(record)["base"], f"base of {lineage}"
    retired = set(server.hkeys(keys.retired))
    for number, text in server.hscan_iter(keys.versions, count=200):
        if number not in retired:
            for digest in digests_of(json.loads(text)):
                yield digest, f"part of {lineage}@{number}"


def digests_of(version: dict[str, Any]) -> Iterator[str]:
    """The blobs that a version consists of: all that its record names, except those in its provenance and report."""
    waiting: list[Any] = [value for field, value in version.items() if field not in {"provenance", "report", "tasks"}]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and value.startswith("sha256:"):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _restore(server: Any, keys: LineageKeys, manifest: LineageManifest, versions: Sequence[VersionManifest]) -> None:
    with server.pipeline(transaction=True) as pipeline:
        _restore_lineage(pipeline, keys, manifest)
        for item in versions:
            number = item.version.number
            pipeline.hset(keys.versions, number, item.version.model_dump_json(exclude={"retired_at"}))
            if item.merge is not None:
                _restore_merge(pipeline, keys, item.merge)
        pipeline.set(keys.head, versions[-1].version.number)
        pipeline.set(keys.fence, max((item.merge.fence for item in versions if item.merge), default=0))
        pipeline.execute()


def _restore_lineage(pipeline: Any, keys: LineageKeys, manifest: LineageManifest) -> None:
    pipeline.set(keys.record, manifest.lineage.model_dump_json())
    for alias in manifest.aliases:
        pipeline.hset(keys.aliases, alias.name, alias.model_dump_json(include={"version", "revision", "updated_at"}))
    for number in manifest.pins:
        pipeline.sadd(keys.pins, number)
    if manifest.retention is not None:
        pipeline.set(keys.retention, manifest.retention.model_dump_json())
    for number, when in manifest.retired.items():
        pipeline.hset(keys.retired, number, when.isoformat())
    # Above every alias's revision: an ETag from before must never match another state.
    pipeline.set(keys.revision, max((alias.revision for alias in manifest.aliases), default=0) + 1_000_000)


def _restore_merge(pipeline: Any, keys: LineageKeys, merge: Merge) -> None:
    pipeline.set(merge_lineage(merge.id), merge.lineage)
    fields = {
        "record": merge.model_dump_json(include=REQUEST_FIELDS),
        "state": merge.state.value,
        "attempt": merge.attempt,
        "fence": merge.fence,
        "version": merge.version,
        "report": json.dumps(merge.report) if merge.report is not None else None,
        "created": _milliseconds(merge.created_at),
        "started": _milliseconds(merge.started_at),
        "ended": _milliseconds(merge.ended_at),
    }
    pipeline.hset(keys.merge(merge.id), mapping={name: value for name, value in fields.items() if value is not None})
    pipeline.lpush(keys.merges, merge.id)


def _milliseconds(when: datetime | None) -> int | None:
    return None if when is None else round(when.timestamp() * 1000)
