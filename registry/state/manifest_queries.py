"""The ledger as a whole: manifests out of it and back into an empty store, and which blobs it still needs."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

from registry.errors import MergeNotFound
from registry.lineage import Lineage
from registry.manifest import LineageManifest, VersionManifest
from registry.merge import Merge
from registry.state.aliases_retention import RedisAliases
from registry.state.connection import RedisConnection, answers
from registry.state.keys import LINEAGES, LineageKeys, merge_lineage
from registry.version import Version, VersionReference

ASKED_FOR = {
    "id",
    "lineage",
    "task",
    "recipe",
    "checkpoint",
    "calibration",
    "gate",
    "labels",
    "request_id",
    "created_at",
    "cancel_at",
}
"""The fields of a merge that are said when it is sent; the others become."""


_TURN_MS = 60_000


class _Reads(Protocol):
    def get_lineage(self, name: str) -> Lineage: ...
    def get_version(self, reference: VersionReference) -> Version: ...
    def get_merge(self, merge_id: str) -> Merge: ...


class RedisManifestQueries(RedisConnection):
    """See StateStore."""

    def due_manifests(self) -> Mapping[str, Mapping[str, int]]:
        """Lineage -> name of a manifest that is to be written -> the revision that it is due for."""
        with answers():
            names = self._names()
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.hgetall(LineageKeys(name).outbox)
            found = pipeline.execute()
        return {
            lineage: {name: int(revision) for name, revision in due.items()}
            for lineage, due in zip(names, found, strict=True)
            if due
        }

    def lineage_manifest(self, lineage: str) -> LineageManifest:
        """Raises LineageNotFound."""
        reads, names = cast("_Reads", self), cast("RedisAliases", self)
        with answers():
            retired = self._redis.hgetall(LineageKeys(lineage).retired)
        return LineageManifest(
            lineage=reads.get_lineage(lineage),
            aliases=tuple(names.list_aliases(lineage)),
            pins=tuple(names.list_pins(lineage)),
            retention=names.get_retention(lineage),
            retired={int(number): datetime.fromisoformat(when) for number, when in retired.items()},
        )

    def version_manifest(self, lineage: str, number: int) -> VersionManifest:
        """Raises VersionNotFound."""
        reads = cast("_Reads", self)
        version = reads.get_version(VersionReference(lineage=lineage, version=str(number)))
        merge = None
        if version.provenance is not None:
            try:
                merge = reads.get_merge(version.provenance.merge)
            except MergeNotFound:
                merge = None
        return VersionManifest(version=version.model_copy(update={"retired_at": None}), merge=merge)

    def ack_manifest(self, lineage: str, name: str, revision: int) -> bool:
        """Say that a manifest was written; False when it changed meanwhile and is still due."""
        keys = LineageKeys(lineage)
        return bool(self._run("settle", [keys.outbox], [name, revision]))

    def take_turn(self, lineage: str) -> str | None:
        """See `registry.blobs.s3_manifests.Turns`."""
        token = secrets.token_hex(8)
        with answers():
            return token if self._redis.set(LineageKeys(lineage).turn, token, nx=True, px=_TURN_MS) else None

    def end_turn(self, lineage: str, token: str) -> None:
        """See `registry.blobs.s3_manifests.Turns`."""
        self._run("end_turn", [LineageKeys(lineage).turn], [token])

    def restore(self, manifest: LineageManifest, versions: Sequence[VersionManifest]) -> bool:
        """Bring back a lineage that is not there, whole or not at all; False when it is there. See StateStore."""
        keys = LineageKeys(manifest.lineage.name)
        with answers():
            if self._redis.exists(keys.record):
                self._redis.sadd(LINEAGES, manifest.lineage.name)
                return False
            with self._redis.pipeline(transaction=True) as pipeline:
                _restore_lineage(pipeline, keys, manifest)
                for item in versions:
                    number = item.version.number
                    pipeline.hset(keys.versions, number, item.version.model_dump_json(exclude={"retired_at"}))
                    if item.merge is not None:
                        _restore_merge(pipeline, keys, item.merge)
                pipeline.set(keys.head, versions[-1].version.number)
                pipeline.set(keys.fence, max((item.merge.fence for item in versions if item.merge), default=0))
                pipeline.execute()
            self._redis.sadd(LINEAGES, manifest.lineage.name)
        return True

    def needed_blobs(self) -> Mapping[str, str]:
        """Digest of every blob that the ledger needs -> who needs it; see StateStore."""
        needed: dict[str, str] = {}
        with answers():
            for name in self._names():
                for digest, why in self._needed_by(name):
                    needed.setdefault(digest, why)
        return needed

    def _needed_by(self, lineage: str) -> Iterator[tuple[str, str]]:
        keys = LineageKeys(lineage)
        # The queue is read before the versions: a merge that ends in between is then seen twice rather than never.
        for merge_id in self._redis.lrange(keys.queue, 0, -1):
            asked = json.loads(self._redis.hget(keys.merge(merge_id), "record"))
            for field in ("checkpoint", "calibration"):
                if asked.get(field):
                    yield asked[field], f"{field} of {merge_id}"
        record = self._redis.get(keys.record)
        if record:
            yield json.loads(record)["base"], f"base of {lineage}"
        retired = set(self._redis.hkeys(keys.retired))
        for number, text in self._redis.hscan_iter(keys.versions, count=200):
            if number not in retired:
                for digest in digests_of(json.loads(text)):
                    yield digest, f"part of {lineage}@{number}"

    def _names(self) -> list[str]:
        return sorted(self._redis.smembers(LINEAGES))


def digests_of(version: dict[str, Any]) -> Iterator[str]:
    """The blobs that a version is made of: whatever its record names, except what it only came from."""
    waiting: list[Any] = [value for field, value in version.items() if field not in {"provenance", "report", "tasks"}]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and value.startswith("sha256:"):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


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
    # Above every alias's revision: an ETag from before must never fit another state.
    pipeline.set(keys.revision, max((alias.revision for alias in manifest.aliases), default=0) + 1_000_000)


def _restore_merge(pipeline: Any, keys: LineageKeys, merge: Merge) -> None:
    pipeline.set(merge_lineage(merge.id), merge.lineage)
    fields = {
        "record": merge.model_dump_json(include=ASKED_FOR),
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
