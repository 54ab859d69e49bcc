"""Merges in Redis or Valkey, as clients use them: enqueue, read, cancel."""

import secrets
import threading
from datetime import UTC, datetime
from typing import Any

from cachetools import LRUCache, cachedmethod

from registry.errors import LineageNotFound, MergeEnded, MergeNotFound, QuotaExceeded
from registry.merge import Merge, MergeProblem, MergeState
from registry.state.connection import RedisClient
from registry.state.decoding import merge_of
from registry.state.keys import DEADLINES, LineageKeys, merge_lineage

CACHED_LINEAGES = 10_000
"""How many merges' lineages a process remembers; a merge never changes its lineage."""

REQUEST_FIELDS = {
    "id",
    "lineage",
    "task",
    "recipe",
    "checkpoint",
    "removal",
    "joined",
    "recompute",
    "calibration",
    "gate",
    "labels",
    "request_id",
    "created_at",
    "cancel_at",
}
"""The fields of a merge that its request sets; the others are its state."""

_BATCH = 200
_QUEUE_RETRY_SECONDS = 10.0


def new_merge_id() -> str:
    """A fresh, unguessable merge id."""
    return merge_id(secrets.token_hex(12))


def merge_id(seed: str) -> str:
    """The id of the merge that a request with this idempotency seed creates. `seed`: 24 random hexadecimal digits."""
    return f"mrg_{seed}"


class MergeRepository:
    """See MergeStore."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._lineages: LRUCache[tuple[str], str] = LRUCache(CACHED_LINEAGES)
        self._lock = threading.Lock()

    def enqueue(self, merge: Merge, limit: int = 0) -> Merge:
        """Store a merge and append it to its lineage's queue. Raises LineageNotFound, QuotaExceeded."""
        keys = LineageKeys(merge.lineage)
        # Checked before the index is written, so that a refused merge leaves nothing there; the script decides.
        if limit and self._is_full(keys, merge.id, limit):
            raise _queue_full(merge.lineage, limit)
        # The index is written first: if this process dies between the two writes, no merge is impossible to find.
        self._client.call(lambda server: server.set(merge_lineage(merge.id), merge.lineage))
        deadline = "" if merge.cancel_at is None else str(int(merge.cancel_at.timestamp() * 1000))
        if deadline:
            self._client.call(lambda server: server.zadd(DEADLINES, {f"{merge.lineage}/{merge.id}": deadline}))
        record = merge.model_dump_json(include=REQUEST_FIELDS)
        names = [keys.record, keys.merge(merge.id), keys.queue, keys.merges, keys.events]
        outcome, *created = self._client.run("enqueue", names, [merge.id, record, deadline, limit])
        if outcome == "no_lineage":
            raise LineageNotFound(merge.lineage)
        if outcome == "full":
            raise _queue_full(merge.lineage, limit)
        if outcome == "exists":
            return self.get(merge.id)
        return merge.model_copy(update={"created_at": datetime.fromtimestamp(int(created[0]) / 1000, UTC)})

    def _is_full(self, keys: LineageKeys, merge_id: str, limit: int) -> bool:
        """Whether the queue has no room for a merge that is not stored yet."""

        def read(server: Any) -> tuple[int, int]:
            pipeline = server.pipeline(transaction=False)
            pipeline.llen(keys.queue)
            pipeline.exists(keys.merge(merge_id))
            length, stored = pipeline.execute()
            return int(length), int(stored)

        length, stored = self._client.call(read)
        return length >= limit and not stored

    def get(self, merge_id: str) -> Merge:
        """Raises MergeNotFound."""
        keys = LineageKeys(self._lineage_of(merge_id))
        fields = self._client.call(lambda server: server.hgetall(keys.merge(merge_id)))
        if not fields:
            raise MergeNotFound(merge_id)
        return merge_of(fields)

    @cachedmethod(lambda self: self._lineages, lock=lambda self: self._lock)
    def _lineage_of(self, merge_id: str) -> str:
        lineage: str | None = self._client.call(lambda server: server.get(merge_lineage(merge_id)))
        if lineage is None:
            raise MergeNotFound(merge_id)
        return lineage

    def cancel_overdue(self) -> int:
        """Cancel merges whose `cancel_at` has passed, as `request_cancel` does; returns how many were due."""
        seconds, microseconds = self._client.call(lambda server: server.time())
        now = int(seconds) * 1000 + int(microseconds) // 1000
        due = self._client.call(lambda server: server.zrangebyscore(DEADLINES, "-inf", now, start=0, num=_BATCH))
        for member in due:
            lineage, _, merge_id = member.partition("/")
            self._cancel(lineage, merge_id)
            self._client.call(lambda server, member=member: server.zrem(DEADLINES, member))  # type: ignore[misc]
        return len(due)

    def request_cancel(self, merge_id: str) -> Merge:
        """Cancel a queued merge at once, or tell a running one to stop. Raises MergeNotFound, MergeEnded."""
        state = self._cancel(self._lineage_of(merge_id), merge_id)
        if state is None:
            raise MergeNotFound(merge_id)
        if state.terminal and state is not MergeState.CANCELLED:
            raise MergeEnded(merge_id, state)
        return self.get(merge_id)

    def _cancel(self, lineage: str, merge_id: str) -> MergeState | None:
        """The state that the merge had; None if it does not exist."""
        _, *state = finish_merge(self._client, lineage, merge_id, "", MergeState.CANCELLED)
        return MergeState(state[0]) if state and state[0] else None


def _queue_full(lineage: str, limit: int) -> QuotaExceeded:
    return QuotaExceeded(
        f"The limit of {limit} unfinished merges of lineage {lineage!r} is reached (ODEM_MAX_QUEUED_MERGES). "
        "Wait for a merge to end, or cancel one.",
        _QUEUE_RETRY_SECONDS,
    )


def finish_merge(
    client: RedisClient,
    lineage: str,
    merge_id: str,
    fence: int | str,
    outcome: MergeState,
    *,
    problem: MergeProblem | None = None,
    report: str = "",
    parent: int | None = None,
    version: str = "",
) -> list[str]:
    """Run the script that ends merges, `finish_merge.lua`, and return its reply.

    fence: the claim's, "" for a client's cancellation. report, version: JSON or "". parent: the number before version.
    """
    keys = LineageKeys(lineage)
    names = [keys.claim, keys.merge(merge_id), keys.queue, keys.head, keys.versions, keys.fence, keys.events]
    names += [keys.pending_manifests, keys.revision, keys.listening, keys.deliveries]
    reason = "" if problem is None else problem.model_dump_json()
    values = [merge_id, fence, outcome.value, reason, report, "" if parent is None else parent, version]
    reply: list[str] = client.run("finish_merge", names, values)
    return reply
