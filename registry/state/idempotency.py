"""Intents in Redis or Valkey: one hash each, which goes by itself when its time is over."""

import hashlib
import json
import secrets
from collections.abc import Mapping

from registry.errors import IdempotencyKeyBusy, IdempotencyKeyReused
from registry.idempotency_key import Answer, IdempotencyRecord
from registry.state.async_connection import AsyncRedisConnection
from registry.state.keys import intent_key

_CONNECTIONS = 8


class RedisIdempotency(AsyncRedisConnection):
    """See IdempotencyStore. Belongs to one event loop.

    lease: seconds that an attempt is waited for which does not say that it is still under way.
    keep: seconds that an intent is kept after its answer.
    """

    def __init__(self, url: str, lease: float, keep: float) -> None:
        super().__init__(url, _CONNECTIONS)
        self.lease = lease
        self._lease_ms = int(lease * 1000)
        self._keep_ms = int(keep * 1000)

    async def begin(self, owner: str, key: str, token: str, target: str) -> IdempotencyRecord:
        """Begin an attempt; see IdempotencyStore."""
        values = [token, secrets.token_hex(12), target, self._lease_ms, self._keep_ms]
        outcome, *rest = await self._run("intent_begin", [_name(owner, key)], values)
        if outcome == "busy":
            raise IdempotencyKeyBusy(int(rest[0]) / 1000)
        if outcome == "different":
            raise IdempotencyKeyReused
        asked = json.loads(rest[1]) if rest[1] else None
        answer = Answer.model_validate_json(rest[2]) if outcome == "done" else None
        return IdempotencyRecord(seed=rest[0], asked=asked, answer=answer)

    async def settle(self, owner: str, key: str, token: str, asked: Mapping[str, str]) -> None:
        """Note what the attempt is about; see IdempotencyStore."""
        outcome = await self._run("intent_settle", [_name(owner, key)], [token, json.dumps(asked, sort_keys=True)])
        if outcome == "different":
            raise IdempotencyKeyReused
        if outcome == "lost":
            raise IdempotencyKeyBusy(1)

    async def renew(self, owner: str, key: str, token: str) -> bool:
        """Say that the attempt is still under way; False when another one took over."""
        return bool(
            await self._run("intent_renew", [_name(owner, key)], [token, self._lease_ms, self._keep_ms]) == "ok"
        )

    async def finish(self, owner: str, key: str, token: str, answer: Answer) -> None:
        """Keep the answer; see IdempotencyStore."""
        await self._run("intent_end", [_name(owner, key)], [token, self._keep_ms, answer.model_dump_json(), ""])

    async def give_up(self, owner: str, key: str, token: str, *, made_nothing: bool) -> None:
        """Free the key for another attempt; see IdempotencyStore."""
        await self._run("intent_end", [_name(owner, key)], [token, self._keep_ms, "", "1" if made_nothing else ""])


def _name(owner: str, key: str) -> str:
    return intent_key(owner, hashlib.sha256(key.encode()).hexdigest())
