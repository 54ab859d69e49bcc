"""Who may use the service and how much, and what was done: API keys, limits, and the audit log, in Redis or Valkey."""

from collections.abc import Sequence

from registry.errors import KeyNotFound
from registry.key import ApiKey
from registry.record import now
from registry.state.connection import RedisConnection, answers
from registry.state.keys import KEYS, circle_blobs

_MOST_SENT_BLOBS = 10_000
"""Of each circle's own blobs, the newest are remembered."""


class RedisAccess(RedisConnection):
    """Keys and what belongs to a key. Safe to share between threads; any method may raise StoreUnavailable."""

    # Keys

    def add_key(self, key: ApiKey) -> None:
        """Store a key; the same again is no error."""
        with answers():
            self._redis.hset(KEYS, key.id, key.model_dump_json())

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

    # What was sent: a key that is limited to lineages may name these blobs and no others.

    def note_blob(self, circle: str, digest: str) -> None:
        """Remember that a key of a circle has sent these bytes."""
        name = circle_blobs(circle)
        with answers(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.zadd(name, {digest: now().timestamp()})
            pipeline.zremrangebyrank(name, 0, -_MOST_SENT_BLOBS - 1)
            pipeline.execute()

    def has_sent(self, circle: str, digest: str) -> bool:
        """Whether a key of a circle has sent these bytes."""
        with answers():
            return self._redis.zscore(circle_blobs(circle), digest) is not None
