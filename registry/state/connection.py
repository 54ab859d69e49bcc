"""One Redis or Valkey server and the Lua scripts on it. No error of the redis library leaves this file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from registry.errors import OdemError, StoreUnavailable
from registry.redis_url import Server, parse_server
from registry.state.keys import BARRIER
from registry.state.queries import Query, T
from registry.state.sentinels import primary_pool

_PASSING = ("OOM", "MISCONF", "READONLY", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "command not allowed")
"""How answers begin that refuse a right command for now. Source: Redis's error prefixes."""


_FORGETTABLE = frozenset(
    {"take", "reserve_merge_quota", "spend", "renew", "claim_delivery", "settle_delivery", "settle", "end_turn"}
)
"""Scripts whose changes no replica needs to have: what they lose is asked for again, or counted a little wrong."""

_REPLICAS_MS = 2000
"""How long a change waits for replicas to have it."""


class RedisConnection:
    """Connections to one server, safe to share between threads.

    A call whose answer was lost is sent again, so every script must be safe to run twice.

    url: see registry/redis_url.py. Raises ValueError when it says nothing that there is.
    timeout: seconds to wait for an answer before StoreUnavailable.
    """

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        server = parse_server(url)
        self._replicas = server.replicas
        self._redis: Any = _connected(server, timeout)
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
        if script not in _FORGETTABLE:
            return self._change(lambda client: self._scripts[script](keys=keys, args=values, client=client))
        with answers():
            return self._scripts[script](keys=keys, args=values)

    def _ask(self, question: Query[T]) -> T:
        answer = None
        while True:
            try:
                script, keys, values = question.send(answer)
            except StopIteration as end:
                found: T = end.value
                return found
            with answers():
                answer = self._scripts[script](keys=keys, args=values)

    def _change(self, write: Callable[[Any], Any]) -> Any:
        """What `write` answers on a client, once as many replicas as the URL asks for have the change.

        WAIT looks at what came before it on the same connection, and replicas take changes in order: they then have
        whatever was written earlier on other connections, too. Source: Redis's WAIT.
        """
        with answers():
            if not self._replicas:
                return write(self._redis)
            pipeline = self._redis.pipeline(transaction=False)
            write(pipeline)
            # A script that finds its change made already writes nothing, and WAIT would wait for nothing.
            pipeline.set(BARRIER, "")
            pipeline.wait(self._replicas, _REPLICAS_MS)
            answer, _, copies = pipeline.execute()
        if copies < self._replicas:
            raise StoreUnavailable(
                f"The change is made, but {copies} of {self._replicas} replicas have it, so it could still be lost; "
                "try again in a moment."
            )
        return answer


def _connected(server: Server, timeout: float) -> redis.Redis:
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": timeout,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 4),
        "health_check_interval": 30,
    }
    if server.sentinels is None:
        return redis.Redis.from_url(server.url, **options)
    return redis.Redis.from_pool(primary_pool(server.sentinels, **options))


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
