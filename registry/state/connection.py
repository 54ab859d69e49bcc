"""One Redis or Valkey server and the Lua scripts on it. No error of the redis library leaves this file."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from registry.errors import OdemError, StoreUnavailable

_PASSING = ("OOM", "MISCONF", "READONLY", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "command not allowed")
"""How answers begin that refuse a right command for now. Source: Redis's error prefixes."""


class RedisConnection:
    """Connections to one server, safe to share between threads.

    A call whose answer was lost is sent again, so every script must be safe to run twice.

    url: `redis://`, `rediss://` or `unix://`, with the database number.
    timeout: seconds to wait for an answer before StoreUnavailable.
    """

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), 4)
        self._redis: Any = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=timeout, retry=retry, health_check_interval=30
        )
        self._scripts: dict[str, Script] = {}
        for file in resources.files("registry.state").joinpath("scripts").iterdir():
            if file.name.endswith(".lua"):
                self._scripts[file.name[:-4]] = self._redis.register_script(file.read_text("utf-8"))

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def ping(self) -> None:
        """Return when the store answers; StoreUnavailable otherwise."""
        with answers():
            self._redis.ping()

    def _run(self, script: str, keys: list[str], values: list[Any]) -> Any:
        with answers():
            return self._scripts[script](keys=keys, args=values)


@contextmanager
def answers() -> Iterator[None]:
    """Translate the ways in which a server does not answer, apart from a command that is wrong."""
    try:
        yield
    except ResponseError as error:
        if str(error).startswith(_PASSING):
            raise StoreUnavailable(f"The state store takes no writes now ({error}); try again in a moment.") from error
        raise OdemError(f"The state store refused a command: {error}") from error
    except (RedisError, OSError) as error:
        raise StoreUnavailable(
            f"The state store does not answer ({type(error).__name__}). Nothing was lost that was "
            "acknowledged; try again in a moment."
        ) from error
