"""State in Redis 7.2 or Valkey: one hash, list or string for each thing (`keys.py`), one Lua script for each change.

Times are the server's.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any, cast

from registry.errors import (
    LeaseLost,
    LineageExists,
    LineageNotFound,
    VersionNotFound,
)
from registry.lineage import Lineage
from registry.merge import Claim, MergeProblem, MergeState, Progress
from registry.state import queries as questions
from registry.state.aliases_retention import RedisAliases
from registry.state.connection import answers
from registry.state.decoding import lineage_of
from registry.state.keys import LINEAGES, LineageKeys
from registry.state.manifest_queries import RedisManifestQueries
from registry.state.merges import RedisMerges
from registry.version import LATEST, Version, VersionReference


class RedisStateStore(RedisManifestQueries, RedisAliases, RedisMerges):
    """The state store on one Redis or Valkey server. Safe to share between threads."""

    # Lineages and versions

    def create_lineage(self, lineage: Lineage, base: Version) -> Lineage:
        """Store a lineage with its version 0; the same lineage again is no error. Raises LineageExists."""
        keys = LineageKeys(lineage.name)
        # Listed first: should this process die between the two writes, no lineage escapes the sweep.
        with answers():
            self._redis.sadd(LINEAGES, lineage.name)
        names = [keys.record, keys.versions, keys.head, keys.outbox, keys.revision]
        stored = self._run("create_lineage", names, [_json(lineage), _json(base)])
        found = Lineage.model_validate_json(stored)
        if found.model_dump(exclude={"created_at"}) != lineage.model_dump(exclude={"created_at"}):
            raise LineageExists(lineage.name)
        return found

    def get_lineage(self, name: str) -> Lineage:
        """Raises LineageNotFound."""
        with answers():
            stored = self._redis.get(LineageKeys(name).record)
        if stored is None:
            raise LineageNotFound(name)
        return lineage_of(stored)

    def list_lineages(self) -> Sequence[Lineage]:
        """All lineages, by name."""
        with answers():
            names = sorted(self._redis.smembers(LINEAGES))
            stored = self._redis.mget([LineageKeys(name).record for name in names]) if names else []
        return [Lineage.model_validate_json(text) for text in stored if text is not None]

    def head(self, lineage: str) -> Version:
        """The newest version. Raises LineageNotFound."""
        try:
            return self.get_version(VersionReference(lineage=lineage, version=LATEST))
        except VersionNotFound as error:
            raise LineageNotFound(lineage) from error

    def get_version(self, reference: VersionReference) -> Version:
        """The version that a number, `latest` or an alias names. Raises VersionNotFound."""
        return self._ask(questions.version(reference))[1]

    def list_versions(self, lineage: str, limit: int, before: int | None = None) -> Sequence[Version]:
        """Newest first, with numbers below `before`. Raises LineageNotFound."""
        return self._ask(questions.versions(lineage, limit, before))[1]

    # Merges, as workers run them

    def waiting_lineages(self) -> Sequence[str]:
        """Lineages with merges to run and no worker that holds a live lease, the longest unserved first."""
        with answers():
            names = sorted(self._redis.smembers(LINEAGES))
            pipeline = self._redis.pipeline(transaction=False)
            self._ask_time(pipeline)
            for name in names:
                keys = LineageKeys(name)
                pipeline.llen(keys.queue)
                pipeline.hmget(keys.claim, "expires", "lease")
                pipeline.get(keys.served)
            (seconds, microseconds), *found = pipeline.execute()
        now = int(seconds) * 1000 + int(microseconds) // 1000
        rows = zip(names, found[::3], found[1::3], found[2::3], strict=True)
        waiting = [(int(served or 0), name) for name, length, lease, served in rows if length and not _live(lease, now)]
        return [name for _, name in sorted(waiting)]

    def _ask_time(self, pipeline: Any) -> None:
        pipeline.time()

    def claim(self, lineage: str, lease_ms: int, max_attempts: int) -> Claim | None:
        """Take the lineage's first merge; see StateStore.claim."""
        keys = LineageKeys(lineage)
        # Should the answer be lost and the script run again, it knows its own claim by this token.
        token = secrets.token_hex(8)
        while True:
            with answers():
                merge_id = self._redis.lindex(keys.queue, 0)
            if merge_id is None:
                return None
            names = [keys.queue, keys.claim, keys.fence, keys.merge(merge_id), keys.events, keys.served]
            names += [keys.listening, keys.deliveries]
            outcome, *rest = self._run("claim", names, [merge_id, lease_ms, max_attempts, token])
            if outcome == "busy":
                return None
            if outcome == "claimed":
                return Claim(merge=self.get_merge(merge_id), fence=rest[0])

    def renew(self, claim: Claim, lease_ms: int, progress: Progress | None) -> bool:
        """Extend the lease and store progress; True when a cancel was requested. Raises LeaseLost."""
        keys = LineageKeys(claim.merge.lineage)
        text = _json(progress) if progress else ""
        names = [keys.claim, keys.merge(claim.merge.id), keys.progress]
        answer = self._run("renew", names, [claim.fence, lease_ms, text, claim.merge.id])
        if answer == "lost":
            raise LeaseLost(f"The lease of {claim.merge.id} with fence {claim.fence} is no longer the newest.")
        return bool(answer == "cancel")

    def commit(self, claim: Claim, version: Version) -> int:
        """Add the version and end the merge as succeeded, at once; see StateStore.commit."""
        keys = LineageKeys(claim.merge.lineage)
        names = [
            keys.claim,
            keys.merge(claim.merge.id),
            keys.queue,
            keys.head,
            keys.versions,
            keys.fence,
            keys.events,
            keys.outbox,
            keys.revision,
            keys.listening,
            keys.deliveries,
        ]
        report = _dump(version.report)
        values = [claim.merge.id, claim.fence, version.number - 1, _json(version), report]
        outcome, *rest = self._run("commit", names, values)
        if outcome != "ok":
            why = {
                "stale": "its fence is no longer the newest",
                "moved": "head has moved, so it starts again",
                "cancel": "it was cancelled, and has ended",
            }
            raise LeaseLost(f"The merge {claim.merge.id} was not committed: {why[outcome]}.")
        return int(rest[0])

    def end(
        self,
        claim: Claim,
        state: MergeState,
        problem: MergeProblem | None,
        report: dict[str, Any] | None = None,
    ) -> None:
        """End a merge without a version and free the lineage. Raises LeaseLost."""
        keys = LineageKeys(claim.merge.lineage)
        names = [keys.claim, keys.merge(claim.merge.id), keys.queue, keys.fence, keys.events]
        names += [keys.listening, keys.deliveries]
        values = [claim.merge.id, claim.fence, state.value, _json(problem) if problem else "", _dump(report)]
        if self._run("end", names, values) == "stale":
            raise LeaseLost(f"The merge {claim.merge.id} belongs to another worker now; its end was not recorded.")


def _json(record: Any) -> str:
    # Null is kept: a recipe may say it on purpose, and it then differs from leaving the parameter out.
    return cast("str", record.model_dump_json())


def _dump(report: dict[str, Any] | None) -> str:
    return json.dumps(report, allow_nan=False) if report is not None else ""


def _live(lease: list[str | None], now: int) -> bool:
    """Whether a worker holds the lineage. A lease longer than was given shows a clock that went back: see claim.lua."""
    expires, length = lease
    return expires is not None and 0 < int(expires) - now <= int(length or 0)
