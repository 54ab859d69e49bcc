"""API keys, and which blobs each scope of keys has sent, in Redis or Valkey."""

from collections.abc import Sequence
from typing import Any

from registry.api_key import ApiKey
from registry.base_record import now
from registry.errors import KeyNotFound
from registry.state.connection import RedisClient
from registry.state.keys import KEYS, scope_blobs

_MAX_SENT_BLOBS = 10_000
"""How many of each scope's own blobs, the newest, are remembered."""


class ApiKeyRepository:
    """API keys. Safe to share between threads; any method may raise StoreUnavailable."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def add(self, key: ApiKey) -> None:
        """Store a key. Storing the same key again is no error."""
        self._client.change(lambda server: server.hset(KEYS, key.id, key.model_dump_json()))

    def get(self, identity: str) -> ApiKey | None:
        """The key with this id, even if revoked or expired."""
        stored = self._client.call(lambda server: server.hget(KEYS, identity))
        return ApiKey.model_validate_json(stored) if stored else None

    def list(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        stored = self._client.call(lambda server: server.hvals(KEYS))
        return sorted((ApiKey.model_validate_json(text) for text in stored), key=lambda key: (key.created_at, key.id))

    def revoke(self, identity: str) -> ApiKey:
        """Revoke a key for good. Raises KeyNotFound."""
        stored = self._client.run("revoke_key", [KEYS], [identity, now().isoformat()])
        if not stored:
            raise KeyNotFound(identity)
        return ApiKey.model_validate_json(stored)


class SentBlobRepository:
    """Blobs that the API keys of one scope have sent: a key that is limited to lineages may name these and no others.

    Safe to share between threads; any method may raise StoreUnavailable.
    """

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def add(self, key_scope_hash: str, digest: str) -> None:
        """Record that a key of this scope has sent a blob."""
        name = scope_blobs(key_scope_hash)

        def write(server: Any) -> None:
            with server.pipeline(transaction=True) as pipeline:
                pipeline.zadd(name, {digest: now().timestamp()})
                pipeline.zremrangebyrank(name, 0, -_MAX_SENT_BLOBS - 1)
                pipeline.execute()

        self._client.call(write)

    def has(self, key_scope_hash: str, digest: str) -> bool:
        """Whether a key of this scope has sent this blob."""
        return self._client.call(lambda server: server.zscore(scope_blobs(key_scope_hash), digest)) is not None
