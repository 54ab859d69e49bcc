"""Synchronous Redis client: connections, retries and Lua scripts. No error of the redis library leaves this file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any, TypeVar

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.commands.core import Script
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError
from redis.retry import Retry

from registry.errors import OdemError, StoreUnavailable
from registry.redis_url import Server, parse_server
from registry.state.keys import BARRIER
from registry.state.queries import Query
from registry.state.sentinels import primary_pool

T = TypeVar("T")

RETRY_BACKOFF = ExponentialBackoff(cap=0.5, base=0.05)
RETRIES = 4

_TRANSIENT_ERRORS = (
    *("OOM", "MISCONF", "READONLY", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN"),
    "command not allowed",
)
"""Prefixes of errors with which a server refuses a valid command for the moment. Source: Redis's error prefixes."""

_NO_REPLICATION_WAIT = frozenset(
    {
        *("take_tokens", "spend_bytes", "reserve_merge_quota", "renew", "claim_delivery", "finish_delivery"),
        *("ack_manifest", "release_manifest_lock"),
    }
)
"""Scripts that do not wait for replicas: what a failover loses of them is repeated or slightly miscounted."""

_REPLICAS_MS = 2000
"""How long a change waits until replicas have it."""


class RedisClient:
    """One pool of connections to one server, safe to share between threads. One per process.

    A command whose reply was lost is sent again, so every command and script must be safe to run twice.

    url: see registry/redis_url.py; raises ValueError for an invalid one.
    timeout: seconds to wait for a reply before StoreUnavailable.
    """

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        server = parse_server(url)
        self._replicas = server.replicas
        self._redis: Any = _connect(server, timeout)
        self._retry = Retry(RETRY_BACKOFF, RETRIES)
        self._scripts: dict[str, Script] = {}

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def ping(self) -> None:
        """Return if the server replies. Raises StoreUnavailable."""
        self.call(lambda server: server.ping())

    def call(self, command: Callable[[Any], T]) -> T:
        """Return what `command` returns for a redis-py client. Raises StoreUnavailable.

        A lost connection is made anew for each retry, so that Sentinels are asked again for the primary.
        """
        with translate_redis_errors():
            return self._retry.call_with_retry(lambda: command(self._redis), lambda _: None)

    def run(self, script: str, keys: list[str], values: list[Any]) -> Any:
        """Run a script that changes something."""
        if script in _NO_REPLICATION_WAIT:
            return self.call(lambda server: self.script(script)(keys=keys, args=values, client=server))
        return self.change(lambda server: self.script(script)(keys=keys, args=values, client=server))

    def query(self, query: Query[T]) -> T:
        """Run a query's scripts and return its result."""
        reply = None
        while True:
            try:
                name, keys, values = query.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            reply = self.call(lambda server, call=(name, keys, values): self._read(server, *call))  # type: ignore[misc]

    def _read(self, server: Any, name: str, keys: list[str], values: list[Any]) -> Any:
        return self.script(name)(keys=keys, args=values, client=server)

    def change(self, write: Callable[[Any], Any]) -> Any:
        """Return what `write` returns for a client, once as many replicas as the URL requires have the change.

        WAIT covers what came before it on the same connection. Replicas apply changes in order, so they then also have
        earlier changes of other connections. Source: Redis's WAIT.
        """
        if not self._replicas:
            return self.call(write)

        def write_and_wait(server: Any) -> Any:
            pipeline = server.pipeline(transaction=False)
            write(pipeline)
            # A script that was applied before writes nothing, and WAIT would return at once.
            pipeline.set(BARRIER, "")
            pipeline.wait(self._replicas, _REPLICAS_MS)
            return pipeline.execute()

        reply, _, copies = self.call(write_and_wait)
        if copies < self._replicas:
            raise StoreUnavailable(
                f"The change was made, but only {copies} of {self._replicas} replicas have it, so it could still be "
                "lost. Try again in a moment."
            )
        return reply

    def script(self, name: str) -> Script:
        """A script of `scripts/`, by its file name without the suffix."""
        if name not in self._scripts:
            self._scripts[name] = self._redis.register_script(self.script_text(name))
        return self._scripts[name]

    def script_text(self, name: str) -> str:
        """The source of a script."""
        return read_script(name)

    def queue_time(self, pipeline: Any) -> None:
        """Add a read of the server's clock to a pipeline; its result is (seconds, microseconds)."""
        pipeline.time()


def read_script(name: str) -> str:
    """The source of a script in `scripts/`."""
    return resources.files("registry.state").joinpath("scripts", f"{name}.lua").read_text("utf-8")


def _connect(server: Server, timeout: float) -> redis.Redis:
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": timeout,
        # RedisClient.call retries with a new connection instead.
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 30,
    }
    if server.sentinels is None:
        return redis.Redis.from_url(server.url, **options)
    return redis.Redis.from_pool(primary_pool(server.sentinels, **options))


@contextmanager
def translate_redis_errors() -> Iterator[None]:
    """Raise StoreUnavailable for a server that does not reply or refuses for the moment, OdemError for a bug."""
    try:
        yield
    except OutOfMemoryError as error:
        raise StoreUnavailable(
            "The state store has reached its memory limit (maxmemory) and accepts no changes; nothing is lost. Raise "
            "the limit and retry."
        ) from error
    except ResponseError as error:
        if str(error).startswith(_TRANSIENT_ERRORS):
            raise StoreUnavailable(
                f"The state store accepts no writes at the moment ({error}). Try again in a moment."
            ) from error
        raise OdemError(f"The state store refused a command: {error}") from error
    except (RedisError, OSError) as error:
        raise StoreUnavailable(
            f"The state store does not respond ({type(error).__name__}). Nothing that was acknowledged is lost. Try "
            "again in a moment."
        ) from error
