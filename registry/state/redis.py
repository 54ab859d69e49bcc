"""State in Redis 7.2 or Valkey: one hash, list or string for each thing (`keys.py`), one Lua script for each change.

Times are the server's. No error of the redis library leaves this file.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from typing import Any, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

from registry.errors import (
    LeaseLost,
    LineageExists,
    LineageNotFound,
    MergeEnded,
    MergeNotFound,
    StoreUnavailable,
    VersionNotFound,
)
from registry.lineage import Lineage
from registry.merge import Claim, Merge, MergeProblem, MergeState, Progress
from registry.state.keys import LINEAGES, LineageKeys, merge_lineage
from registry.version import LATEST, Version, VersionReference

_ASKED_FOR = {"id", "lineage", "task", "recipe", "checkpoint", "calibration", "labels", "created_at"}


def new_merge_id() -> str:
    """A fresh, unguessable merge id."""
    return f"mrg_{secrets.token_hex(12)}"


class RedisStateStore:
    """The state store on one Redis or Valkey server. Safe to share between threads.

    url: `redis://`, `rediss://` or `unix://`, with the database number.
    timeout: seconds to wait for an answer before StoreUnavailable.
    """

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), 4)
        self._redis: Any = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=timeout, retry=retry, health_check_interval=30
        )
        self._scripts: dict[str, Script] = {}
        for file in resources.files("registry.state").joinpath("scripts").iterdir():
            if file.name.endswith(".lua"):
                self._scripts[file.name[:-4]] = self._redis.register_script(file.read_text("utf-8"))

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def ping(self) -> None:
        """Return when the store answers; StoreUnavailable otherwise."""
        with _answers():
            self._redis.ping()

    # Lineages and versions

    def create_lineage(self, lineage: Lineage, base: Version) -> Lineage:
        """Store a lineage with its version 0; the same lineage again is no error. Raises LineageExists."""
        keys = LineageKeys(lineage.name)
        stored = self._run("create_lineage", [keys.record, keys.versions, keys.head], [_json(lineage), _json(base)])
        with _answers():
            self._redis.sadd(LINEAGES, lineage.name)
        found = Lineage.model_validate_json(stored)
        if found.model_dump(exclude={"created_at"}) != lineage.model_dump(exclude={"created_at"}):
            raise LineageExists(lineage.name)
        return found

    def get_lineage(self, name: str) -> Lineage:
        """Raises LineageNotFound."""
        with _answers():
            stored = self._redis.get(LineageKeys(name).record)
        if stored is None:
            raise LineageNotFound(name)
        return Lineage.model_validate_json(stored)

    def list_lineages(self) -> Sequence[Lineage]:
        """All lineages, by name."""
        with _answers():
            names = sorted(self._redis.smembers(LINEAGES))
        return [self.get_lineage(name) for name in names]

    def head(self, lineage: str) -> Version:
        """The newest version. Raises LineageNotFound."""
        try:
            return self.get_version(VersionReference(lineage=lineage, version=LATEST))
        except VersionNotFound as error:
            raise LineageNotFound(lineage) from error

    def get_version(self, reference: VersionReference) -> Version:
        """Raises VersionNotFound."""
        keys = LineageKeys(reference.lineage)
        with _answers():
            number = self._redis.get(keys.head) if reference.version == LATEST else reference.version
            stored = self._redis.hget(keys.versions, number) if number is not None else None
        if stored is None:
            raise VersionNotFound(str(reference))
        return Version.model_validate_json(stored)

    def list_versions(self, lineage: str, limit: int, before: int | None = None) -> Sequence[Version]:
        """Newest first, with numbers below `before`. Raises LineageNotFound."""
        newest = self.head(lineage).number
        start = newest if before is None else min(newest, before - 1)
        numbers = range(start, max(-1, start - limit), -1)
        if not numbers:
            return []
        with _answers():
            stored = self._redis.hmget(LineageKeys(lineage).versions, [str(number) for number in numbers])
        return [Version.model_validate_json(text) for text in stored]

    # Merges, as clients see them

    def enqueue(self, merge: Merge) -> Merge:
        """Store a merge and put it at the end of its lineage's queue. Raises LineageNotFound."""
        keys = LineageKeys(merge.lineage)
        # The index is written first: should this process die between the two writes, a merge is never unfindable.
        with _answers():
            self._redis.set(merge_lineage(merge.id), merge.lineage)
        record = merge.model_dump_json(include=_ASKED_FOR)
        names = [keys.record, keys.merge(merge.id), keys.queue, keys.merges, keys.events]
        if self._run("enqueue", names, [merge.id, record]) == "no_lineage":
            raise LineageNotFound(merge.lineage)
        return self.get_merge(merge.id)

    def get_merge(self, merge_id: str) -> Merge:
        """Raises MergeNotFound."""
        with _answers():
            lineage = self._redis.get(merge_lineage(merge_id))
            fields = self._redis.hgetall(LineageKeys(lineage).merge(merge_id)) if lineage else None
        if not fields:
            raise MergeNotFound(merge_id)
        return _merge(fields)

    def list_merges(self, lineage: str, limit: int, offset: int = 0) -> Sequence[Merge]:
        """Newest first. Raises LineageNotFound."""
        self.get_lineage(lineage)
        keys = LineageKeys(lineage)
        with _answers():
            ids = self._redis.lrange(keys.merges, offset, offset + limit - 1)
            pipeline = self._redis.pipeline(transaction=False)
            for merge_id in ids:
                pipeline.hgetall(keys.merge(merge_id))
            found = pipeline.execute()
        return [_merge(fields) for fields in found]

    def request_cancel(self, merge_id: str) -> Merge:
        """Cancel a queued merge at once, or ask a running one to stop. Raises MergeNotFound, MergeEnded."""
        keys = LineageKeys(self.get_merge(merge_id).lineage)
        state = MergeState(self._run("cancel", [keys.merge(merge_id), keys.queue, keys.events], [merge_id]))
        if state.terminal and state is not MergeState.CANCELLED:
            raise MergeEnded(merge_id, state)
        return self.get_merge(merge_id)

    # Merges, as workers run them

    def waiting_lineages(self) -> Sequence[str]:
        """Lineages with merges to run and no worker that holds a live lease."""
        with _answers():
            names = sorted(self._redis.smembers(LINEAGES))
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.time()
            for name in names:
                pipeline.llen(LineageKeys(name).queue)
                pipeline.hget(LineageKeys(name).claim, "expires")
            (seconds, microseconds), *found = pipeline.execute()
        now = seconds * 1000 + microseconds // 1000
        pairs = zip(names, found[::2], found[1::2], strict=True)
        return [name for name, length, expires in pairs if length and int(expires or 0) <= now]

    def claim(self, lineage: str, lease_ms: int, max_attempts: int) -> Claim | None:
        """Take the lineage's first merge; see StateStore.claim."""
        keys = LineageKeys(lineage)
        while True:
            with _answers():
                merge_id = self._redis.lindex(keys.queue, 0)
            if merge_id is None:
                return None
            names = [keys.queue, keys.claim, keys.fence, keys.merge(merge_id), keys.events]
            outcome, *rest = self._run("claim", names, [merge_id, lease_ms, max_attempts])
            if outcome == "busy":
                return None
            if outcome == "claimed":
                return Claim(merge=self.get_merge(merge_id), fence=rest[0])

    def renew(self, claim: Claim, lease_ms: int, progress: Progress | None) -> bool:
        """Extend the lease and store progress; True when a cancel was requested. Raises LeaseLost."""
        keys = LineageKeys(claim.merge.lineage)
        text = _json(progress) if progress else ""
        answer = self._run("renew", [keys.claim, keys.merge(claim.merge.id)], [claim.fence, lease_ms, text])
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
        ]
        report = _dump(version.report)
        values = [claim.merge.id, claim.fence, version.number - 1, _json(version), report]
        outcome, *rest = self._run("commit", names, values)
        if outcome != "ok":
            why = {
                "stale": "its fence is no longer the newest",
                "moved": "head has moved",
                "cancel": "it was cancelled",
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
        values = [claim.merge.id, claim.fence, state.value, _json(problem) if problem else "", _dump(report)]
        if self._run("end", names, values) == "stale":
            raise LeaseLost(f"The merge {claim.merge.id} belongs to another worker now; its end was not recorded.")

    def _run(self, script: str, keys: list[str], values: list[Any]) -> Any:
        with _answers():
            return self._scripts[script](keys=keys, args=values)


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable(
            f"The state store does not answer ({type(error).__name__}). Nothing was lost that was "
            "acknowledged; try again in a moment."
        ) from error


def _json(record: Any) -> str:
    # Null is kept: a recipe may say it on purpose, and it then differs from leaving the parameter out.
    return cast("str", record.model_dump_json())


def _dump(report: dict[str, Any] | None) -> str:
    return json.dumps(report, allow_nan=False) if report is not None else ""


def _merge(fields: dict[str, str]) -> Merge:
    asked = Merge.model_validate_json(fields["record"])
    return asked.model_copy(
        update={
            "state": MergeState(fields["state"]),
            "attempt": int(fields["attempt"]),
            "fence": int(fields["fence"]),
            "cancel_requested": "cancel" in fields,
            "created_at": _time(fields["created"]),
            "started_at": _time(fields.get("started")),
            "ended_at": _time(fields.get("ended")),
            "version": int(fields["version"]) if "version" in fields else None,
            "progress": Progress.model_validate_json(fields["progress"]) if "progress" in fields else None,
            "problem": MergeProblem.model_validate_json(fields["problem"]) if "problem" in fields else None,
            "report": _object(fields.get("report")),
        }
    )


def _object(text: str | None) -> dict[str, Any] | None:
    return json.loads(text) if text else None


def _time(milliseconds: str | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
