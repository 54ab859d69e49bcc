"""Who may use the service and how much, and what was done: API keys, limits, and the audit log, in Redis or Valkey."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from registry.api_key import ApiKey
from registry.audit import AuditEntry
from registry.base_record import now
from registry.errors import KeyNotFound
from registry.merge import MergeState
from registry.state.connection import RedisConnection, answers
from registry.state.keys import CHANGES, KEYS, REFUSALS, LineageKeys, bucket, places, scope_blobs, sent_bytes

_SURELY_QUEUED_SECONDS = 60.0
_MOST_SENT_BLOBS = 10_000
"""Of each scope's own blobs, the newest are remembered."""


class RedisApiKeys(RedisConnection):
    """Keys and what belongs to a key. Safe to share between threads; any method may raise StoreUnavailable."""

    # Keys

    def add_key(self, key: ApiKey) -> None:
        """Store a key; the same again is no error."""
        self._change(lambda client: client.hset(KEYS, key.id, key.model_dump_json()))

    def get_key(self, identity: str) -> ApiKey | None:
        """The key of this id; revoked and expired ones too."""
        with answers():
            stored = self._redis.hget(KEYS, identity)
        return ApiKey.model_validate_json(stored) if stored else None

    def list_keys(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        with answers():
            stored = self._redis.hvals(KEYS)
        return sorted((ApiKey.model_validate_json(text) for text in stored), key=lambda key: (key.created_at, key.id))

    def revoke_key(self, identity: str) -> ApiKey:
        """End a key for ever. Raises KeyNotFound."""
        stored = self._run("revoke_key", [KEYS], [identity, now().isoformat()])
        if not stored:
            raise KeyNotFound(identity)
        return ApiKey.model_validate_json(stored)

    # Limits

    def take_tokens(self, who: str, rate: float, burst: int, wanted: int) -> tuple[int, float]:
        """Take up to `wanted` tokens from a bucket; returns how many were given and how many are left."""
        given, left = self._run("take", [bucket(who)], [rate, burst, wanted])
        return int(given), float(left)

    def spend_bytes(self, key: str, day: str, amount: int, most: int) -> bool:
        """Count bytes that a key sends on a day (negative: takes them back); False when they are too many."""
        fits, _ = self._run("spend", [sent_bytes(key, day)], [amount, most, 2 * 86_400])
        return bool(fits)

    def has_bytes(self, key: str, day: str, most: int) -> bool:
        """Whether a key may send anything more on a day."""
        with answers():
            return int(self._redis.get(sent_bytes(key, day)) or 0) < most

    def has_merge_quota(self, key: str, most: int) -> bool:
        """Whether a key may have one more merge that has not ended."""
        with answers():
            if self._redis.zcard(places(key)) < most:
                return True
        self._free_places(key)
        with answers():
            return bool(self._redis.zcard(places(key)) < most)

    def reserve_merge_quota(self, key: str, lineage: str, merge: str, most: int) -> bool:
        """Count a merge that is about to be queued; False when the key has too many that have not ended."""
        for _ in range(2):
            if self._run("reserve_merge_quota", [places(key)], [f"{lineage}/{merge}", most, now().timestamp()]):
                return True
            self._free_places(key)
        return False

    def _free_places(self, key: str) -> None:
        """Forget merges that have ended, and those that were never queued because their gateway died."""
        with answers():
            held = self._redis.zrange(places(key), 0, -1, withscores=True)
            pipeline = self._redis.pipeline(transaction=False)
            for place, _ in held:
                lineage, _, merge = place.partition("/")
                pipeline.hget(LineageKeys(lineage).merge(merge), "state")
            found = pipeline.execute()
            long_ago = now().timestamp() - _SURELY_QUEUED_SECONDS
            for (place, since), state in zip(held, found, strict=True):
                if MergeState(state).terminal if state else since < long_ago:
                    self._redis.zrem(places(key), place)

    # The audit log

    def note(self, entries: Sequence[AuditEntry], *, refused: bool, most: int) -> None:
        """Append to the log, which keeps about the newest `most` entries of each kind."""
        with answers(), self._redis.pipeline(transaction=False) as pipeline:
            for entry in entries:
                fields = {"entry": entry.model_dump_json()}
                pipeline.xadd(REFUSALS if refused else CHANGES, fields, maxlen=most, approximate=True)
            pipeline.execute()

    def read_audit(self, *, refused: bool, since: datetime | None = None) -> Iterator[AuditEntry]:
        """What was done, or who was refused, newest first."""
        name = REFUSALS if refused else CHANGES
        oldest, newest = "-" if since is None else str(int(since.timestamp() * 1000)), "+"
        while True:
            with answers():
                found = self._redis.xrevrange(name, newest, oldest, count=500)
            for _, fields in found:
                yield AuditEntry.model_validate_json(fields["entry"])
            if len(found) < 500:
                return
            newest = f"({found[-1][0]}"

    # What was sent: a key that is limited to lineages may name these blobs and no others.

    def note_blob(self, key_scope_hash: str, digest: str) -> None:
        """Remember that a key of this scope has sent these bytes."""
        name = scope_blobs(key_scope_hash)
        with answers(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.zadd(name, {digest: now().timestamp()})
            pipeline.zremrangebyrank(name, 0, -_MOST_SENT_BLOBS - 1)
            pipeline.execute()

    def has_sent(self, key_scope_hash: str, digest: str) -> bool:
        """Whether a key of this scope has sent these bytes."""
        with answers():
            return self._redis.zscore(scope_blobs(key_scope_hash), digest) is not None
