"""Merges as clients see them: sent, looked at, listed, cancelled."""

import secrets
from collections.abc import Collection

from registry.errors import LineageNotFound, MergeEnded, MergeNotFound
from registry.merge import Merge, MergeSlice, MergeState
from registry.state import queries as questions
from registry.state.connection import RedisConnection, answers
from registry.state.decoding import merge_of
from registry.state.keys import DEADLINES, LineageKeys, merge_lineage
from registry.state.manifest_queries import ASKED_FOR

_MOST_LINEAGES = 10_000
_LOOK = 200


def new_merge_id() -> str:
    """A fresh, unguessable merge id."""
    return merge_id(secrets.token_hex(12))


def merge_id(seed: str) -> str:
    """The id of the merge that an intent makes. `seed`: 24 hexadecimal digits that nobody can guess."""
    return f"mrg_{seed}"


class RedisMerges(RedisConnection):
    """See StateStore."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        super().__init__(url, timeout)
        self._lineages: dict[str, str] = {}

    def enqueue(self, merge: Merge) -> Merge:
        """Store a merge and put it at the end of its lineage's queue. Raises LineageNotFound."""
        keys = LineageKeys(merge.lineage)
        # The index is written first: should this process die between the two writes, a merge is never unfindable.
        with answers():
            self._redis.set(merge_lineage(merge.id), merge.lineage)
        deadline = "" if merge.cancel_at is None else str(int(merge.cancel_at.timestamp() * 1000))
        if deadline:
            with answers():
                self._redis.zadd(DEADLINES, {f"{merge.lineage}/{merge.id}": deadline})
        record = merge.model_dump_json(include=ASKED_FOR)
        names = [keys.record, keys.merge(merge.id), keys.queue, keys.merges, keys.events]
        if self._run("enqueue", names, [merge.id, record, deadline]) == "no_lineage":
            raise LineageNotFound(merge.lineage)
        return self.get_merge(merge.id)

    def get_merge(self, merge_id: str) -> Merge:
        """Raises MergeNotFound."""
        with answers():
            # A merge never changes its lineage, so that is asked for once.
            lineage = self._lineages.get(merge_id) or self._redis.get(merge_lineage(merge_id))
            fields = self._redis.hgetall(LineageKeys(lineage).merge(merge_id)) if lineage else None
        if not fields:
            raise MergeNotFound(merge_id)
        if len(self._lineages) >= _MOST_LINEAGES:
            self._lineages.clear()
        self._lineages[merge_id] = lineage
        return merge_of(fields)

    def list_merges(
        self,
        lineage: str,
        limit: int,
        below: int | None = None,
        states: Collection[MergeState] = (),
        task: str | None = None,
    ) -> MergeSlice:
        """Newest first, below a place; see StateStore.list_merges."""
        return self._ask(questions.merges(lineage, limit, below, states, task))

    def cancel_overdue(self) -> int:
        """Cancel the merges whose time is over; see StateStore.cancel_overdue."""
        with answers():
            seconds, microseconds = self._redis.time()
            now = int(seconds) * 1000 + int(microseconds) // 1000
            due = self._redis.zrangebyscore(DEADLINES, "-inf", now, start=0, num=_LOOK)
        for member in due:
            lineage, _, merge_id = member.partition("/")
            self._cancel(LineageKeys(lineage), merge_id)
            with answers():
                self._redis.zrem(DEADLINES, member)
        return len(due)

    def request_cancel(self, merge_id: str) -> Merge:
        """Cancel a queued merge at once, or ask a running one to stop. Raises MergeNotFound, MergeEnded."""
        keys = LineageKeys(self.get_merge(merge_id).lineage)
        state = MergeState(self._cancel(keys, merge_id))
        if state.terminal and state is not MergeState.CANCELLED:
            raise MergeEnded(merge_id, state)
        return self.get_merge(merge_id)

    def _cancel(self, keys: LineageKeys, merge_id: str) -> str:
        """The state that the merge had; "" when there is none."""
        names = [keys.merge(merge_id), keys.queue, keys.events, keys.listening, keys.deliveries]
        return str(self._run("cancel", names, [merge_id]) or "")
