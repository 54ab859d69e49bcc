"""Idempotency keys in Redis or Valkey: one hash each, which expires."""

import hashlib
import json
import secrets
from collections.abc import Mapping

from registry.errors import IdempotencyKeyBusy, IdempotencyKeyReused
from registry.idempotency_key import IdempotencyRecord, StoredResponse
from registry.state.async_connection import AsyncRedisClient
from registry.state.keys import idempotency_key


class IdempotencyRepository:
    """See IdempotencyStore. Belongs to one event loop.

    lease: seconds after which an attempt that is not renewed may be taken over.
    keep: seconds for which the response is stored.
    """

    def __init__(self, client: AsyncRedisClient, lease: float, keep: float) -> None:
        self._client = client
        self.lease = lease
        self._lease_ms = int(lease * 1000)
        self._keep_ms = int(keep * 1000)

    async def begin(self, owner: str, key: str, token: str, target: str) -> IdempotencyRecord:
        """Begin an attempt; see IdempotencyStore."""
        values = [token, secrets.token_hex(12), target, self._lease_ms, self._keep_ms]
        status, *rest = await self._client.run("begin_attempt", [_name(owner, key)], values)
        if status == "busy":
            raise IdempotencyKeyBusy(int(rest[0]) / 1000)
        if status == "different":
            raise IdempotencyKeyReused
        fingerprint = json.loads(rest[1]) if rest[1] else None
        response = StoredResponse.model_validate_json(rest[2]) if status == "done" else None
        return IdempotencyRecord(seed=rest[0], fingerprint=fingerprint, response=response)

    async def bind_fingerprint(self, owner: str, key: str, token: str, fingerprint: Mapping[str, str]) -> None:
        """Store what the request contains; see IdempotencyStore."""
        values = [token, json.dumps(fingerprint, sort_keys=True)]
        status = await self._client.run("bind_fingerprint", [_name(owner, key)], values)
        if status == "different":
            raise IdempotencyKeyReused
        if status == "lost":
            raise IdempotencyKeyBusy(1)

    async def renew(self, owner: str, key: str, token: str) -> bool:
        """Renew the attempt's lease; False if another attempt took over."""
        values = [token, self._lease_ms, self._keep_ms]
        return bool(await self._client.run("renew_attempt", [_name(owner, key)], values) == "ok")

    async def finish(self, owner: str, key: str, token: str, response: StoredResponse) -> None:
        """Store the response; see IdempotencyStore."""
        values = [token, self._keep_ms, response.model_dump_json(), ""]
        await self._client.run("end_attempt", [_name(owner, key)], values)

    async def give_up(self, owner: str, key: str, token: str, *, made_nothing: bool) -> None:
        """Release the key for another attempt; see IdempotencyStore."""
        values = [token, self._keep_ms, "", "1" if made_nothing else ""]
        await self._client.run("end_attempt", [_name(owner, key)], values)


def _name(owner: str, key: str) -> str:
    return idempotency_key(owner, hashlib.sha256(key.encode()).hexdigest())
