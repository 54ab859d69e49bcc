"""Authentication by API key, with a short-lived cache. Source: RFC 6750, section 2.1 (Bearer)."""

from dataclasses import dataclass

from cachetools import TTLCache
from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from registry.api_key import ApiKey, split_token
from registry.base_record import now
from registry.errors import NotAllowed, NotAuthenticated
from registry.state.api_keys import ApiKeyRepository

_MAX_CACHED = 4096


@dataclass(frozen=True)
class Caller:
    """The client of a request. `key` is None where authentication is disabled: then everything is allowed."""

    key: ApiKey | None = None

    @property
    def identity(self) -> str:
        """The key's ID, "" without one: uploads and idempotency keys belong to it."""
        return self.key.id if self.key else ""

    @property
    def is_limited(self) -> bool:
        """Whether the key is limited to some lineages."""
        return self.key is not None and self.key.lineages is not None

    def sees(self, lineage: str) -> bool:
        """Whether this caller may know of a lineage, whether it exists or not."""
        return self.key is None or self.key.sees(lineage)

    def may_create(self, lineage: str) -> None:
        """Raises NotAllowed for a name outside the key's lineages, without looking whether it is taken."""
        if not self.sees(lineage):
            raise NotAllowed(
                f"This key is limited to some lineages, and {lineage!r} is not one of them. Use one of its names, or a "
                "key without this limit."
            )


ANYBODY = Caller()


class Authenticator:
    """Finds the caller of a request. `seconds`: how long a key is cached, so how long a revoked one may still work."""

    def __init__(self, keys: ApiKeyRepository, seconds: float) -> None:
        self._keys = keys
        self._cache: TTLCache[str, ApiKey] = TTLCache(_MAX_CACHED, seconds)

    async def caller(self, scope: Scope) -> Caller:
        """Raises NotAuthenticated, StoreUnavailable."""
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if not given:
            raise NotAuthenticated(given=False)
        kind, _, token = given[0].decode("latin-1").partition(" ")
        parts = split_token(token.strip())
        if len(given) > 1 or kind.lower() != "bearer" or parts is None:
            raise NotAuthenticated(given=True)
        key = self._cache.get(parts[0])
        if key is None and (key := await run_in_threadpool(self._keys.get, parts[0])) is not None:
            self._cache[parts[0]] = key
        if key is None or not key.matches(parts[1]) or not key.is_live(now()):
            raise NotAuthenticated(given=True)
        return Caller(key)
