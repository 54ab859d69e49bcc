"""Who asks: the API key of a request, looked up and remembered for a moment. Source: RFC 6750, section 2.1 (Bearer)."""

import time
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from registry.api_key import ApiKey, split_token
from registry.base_record import now
from registry.errors import NotAllowed, NotAuthenticated
from registry.state.state_store import RedisApiKeys

_MOST_REMEMBERED = 4096


@dataclass(frozen=True)
class Caller:
    """Whoever asks. `key` is None where nobody is asked for one: then everything is allowed."""

    key: ApiKey | None = None

    @property
    def identity(self) -> str:
        """The key's id, "" without one: what belongs to this caller alone is kept under it."""
        return self.key.id if self.key else ""

    @property
    def is_limited(self) -> bool:
        """Whether there are lineages that this caller must not know of."""
        return self.key is not None and self.key.lineages is not None

    def sees(self, lineage: str) -> bool:
        """Whether this caller may know of a lineage, be there one or not."""
        return self.key is None or self.key.sees(lineage)

    def may_create(self, lineage: str) -> None:
        """Raises NotAllowed for a name that the key is not limited to; whether it is taken is not looked at."""
        if not self.sees(lineage):
            raise NotAllowed(
                f"This key is limited to some lineages, and {lineage!r} is not one of them. Take one of its names, or "
                "a key that is not limited."
            )


ANYBODY = Caller()


class Authenticator:
    """Finds the caller of a request.

    seconds: how long a key is remembered, so how long a revoked one may still work; 0 asks the store each time.
    """

    def __init__(self, access: RedisApiKeys, seconds: float) -> None:
        self._access = access
        self._seconds = seconds
        self._remembered: dict[str, tuple[float, ApiKey]] = {}

    async def caller(self, scope: Scope) -> Caller:
        """Raises NotAuthenticated, StoreUnavailable."""
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if not given:
            raise NotAuthenticated(given=False)
        kind, _, token = given[0].decode("latin-1").partition(" ")
        parts = split_token(token.strip())
        if len(given) > 1 or kind.lower() != "bearer" or parts is None:
            raise NotAuthenticated(given=True)
        key = await self._find(parts[0])
        if key is None or not key.matches(parts[1]) or not key.is_live(now()):
            raise NotAuthenticated(given=True)
        return Caller(key)

    async def _find(self, identity: str) -> ApiKey | None:
        found = self._remembered.get(identity)
        if found is not None and time.monotonic() < found[0]:
            return found[1]
        key = await run_in_threadpool(self._access.get_key, identity)
        if key is None:
            self._remembered.pop(identity, None)
        elif self._seconds:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[identity] = (time.monotonic() + self._seconds, key)
        return key
