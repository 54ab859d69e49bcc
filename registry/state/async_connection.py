"""One Redis or Valkey server for callers that must not block: redis.asyncio, a bounded number of connections.

No error of the redis library leaves this file or those of its subclasses.
"""

from importlib import resources
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import NoScriptError

from registry.redis_url import Server, parse_server
from registry.state.connection import answers
from registry.state.queries import Query, T
from registry.state.sentinels import primary_async_pool


class AsyncRedisConnection:
    """Connections to one server, for one event loop. A call whose answer was lost is sent again.

    url: see registry/redis_url.py. Raises ValueError when it says nothing that there is.
    most: how many connections there are at most; whoever wants one more waits for one.
    """

    def __init__(self, url: str, most: int, timeout: float = 10.0) -> None:
        pool = _pool(parse_server(url), most, timeout)
        self._redis: Any = Redis(connection_pool=pool)
        self._scripts: dict[str, Any] = {}

    async def close(self) -> None:
        """Close all connections."""
        with answers():
            await self._redis.aclose()
            await self._redis.connection_pool.disconnect()

    async def _run(self, script: str, keys: list[str], values: list[Any]) -> Any:
        found = self._script(script)
        with answers():
            try:
                # The library's own way of running a script takes as long again.
                return await self._redis.execute_command("EVALSHA", found.sha, len(keys), *keys, *values)
            except NoScriptError:
                return await found(keys=keys, args=values)

    def _script(self, name: str) -> Any:
        if name not in self._scripts:
            text = resources.files("registry.state").joinpath("scripts", f"{name}.lua").read_text("utf-8")
            self._scripts[name] = self._redis.register_script(text)
        return self._scripts[name]

    async def _ask(self, question: Query[T]) -> T:
        answer = None
        while True:
            try:
                call = question.send(answer)
            except StopIteration as end:
                found: T = end.value
                return found
            answer = await self._run(*call)


def _pool(server: Server, most: int, timeout: float) -> BlockingConnectionPool:
    common: dict[str, Any] = {
        "max_connections": most,
        "timeout": timeout,
        "decode_responses": True,
        "socket_timeout": timeout,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 4),
    }
    if server.sentinels is None:
        return BlockingConnectionPool.from_url(server.url, **common)
    return primary_async_pool(server.sentinels, **common)
