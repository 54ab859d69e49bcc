"""Rate limits and quotas of API keys, in Redis or Valkey."""

from collections.abc import Sequence
from typing import Any

from registry.base_record import now
from registry.merge import MergeState
from registry.state.connection import RedisClient
from registry.state.keys import LineageKeys, rate_bucket, reserved_merges, sent_bytes

_RESERVATION_SECONDS = 60.0
"""How long a reservation counts for a merge that is not stored: its gateway may still be about to enqueue it."""


class QuotaRepository:
    """Token buckets and quotas. Safe to share between threads; any method may raise StoreUnavailable."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def take_tokens(self, bucket: str, rate: float, burst: int, wanted: int) -> tuple[int, float]:
        """Take up to `wanted` tokens from a bucket; returns how many were granted and how many are left.

        bucket: `key:<id>` or `address:<address>`. rate: tokens per second.
        """
        granted, left = self._client.run("take_tokens", [rate_bucket(bucket)], [rate, burst, wanted])
        return int(granted), float(left)

    def spend_bytes(self, key: str, day: str, amount: int, limit: int) -> bool:
        """Count bytes that a key sends on a day (negative: give them back); False if they exceed the limit."""
        fits, _ = self._client.run("spend_bytes", [sent_bytes(key, day)], [amount, limit, 2 * 86_400])
        return bool(fits)

    def has_bytes(self, key: str, day: str, limit: int) -> bool:
        """Whether a key may send more bytes on a day."""
        return int(self._client.call(lambda server: server.get(sent_bytes(key, day))) or 0) < limit

    def has_merge_quota(self, key: str, limit: int) -> bool:
        """Whether a key may have one more unfinished merge."""
        if self._count_reserved(key) < limit:
            return True
        self._release_ended(key)
        return self._count_reserved(key) < limit

    def reserve_merge_quota(self, key: str, lineage: str, merge: str, limit: int) -> bool:
        """Count a merge that is about to be enqueued; False if the key has too many unfinished ones."""
        for _ in range(2):
            values = [f"{lineage}/{merge}", limit, now().timestamp()]
            if self._client.run("reserve_merge_quota", [reserved_merges(key)], values):
                return True
            self._release_ended(key)
        return False

    def _count_reserved(self, key: str) -> int:
        return int(self._client.call(lambda server: server.zcard(reserved_merges(key))))

    def _release_ended(self, key: str) -> None:
        """Release merges that have ended, and those that were never enqueued because their gateway died."""
        name = reserved_merges(key)
        reserved = self._client.call(lambda server: server.zrange(name, 0, -1, withscores=True))
        states = self._states([member for member, _ in reserved])
        oldest = now().timestamp() - _RESERVATION_SECONDS
        ended = [
            member
            for (member, since), state in zip(reserved, states, strict=True)
            if (MergeState(state).terminal if state else since < oldest)
        ]
        if ended:
            self._client.call(lambda server: server.zrem(name, *ended))

    def _states(self, members: Sequence[str]) -> Sequence[str | None]:
        def read(server: Any) -> list[str | None]:
            pipeline = server.pipeline(transaction=False)
            for member in members:
                lineage, _, merge = member.partition("/")
                pipeline.hget(LineageKeys(lineage).merge(merge), "state")
            states: list[str | None] = pipeline.execute()
            return states

        return self._client.call(read)
