"""Asynchronous Redis client: one bounded pool of redis.asyncio connections for an event loop.

No error of the redis library leaves this file.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from registry.redis_url import Server, parse_server
from registry.state.connection import RETRIES, RETRY_BACKOFF, read_script, translate_redis_errors
from registry.state.queries import Call, Query
from registry.state.sentinels import primary_async_pool

T = TypeVar("T")

_CONNECTIONS = 24


class _Pending(NamedTuple):
    """A script call that waits for its reply."""

    call: Call
    reply: asyncio.Future[Any]


class AsyncRedisClient:
    """One pool of connections to one server for one event loop. One per process.

    Scripts that are run in the same iteration of the loop are sent as one pipeline, because sending a short script
    costs more than running it. A command whose reply was lost is sent again, so every one must be safe to run twice.

    url: see registry/redis_url.py; raises ValueError for an invalid one.
    connections: the size of the pool; a command waits for a free connection.
    timeout: seconds to wait for a reply before StoreUnavailable.
    """

    def __init__(self, url: str, connections: int = _CONNECTIONS, timeout: float = 10.0) -> None:
        self._redis: Any = Redis(connection_pool=_pool(parse_server(url), connections, timeout))
        self._retry = Retry(RETRY_BACKOFF, RETRIES)
        self._scripts: dict[str, Any] = {}
        self._pending: list[_Pending] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Close all connections."""
        with translate_redis_errors():
            await self._redis.aclose()
            await self._redis.connection_pool.disconnect()

    async def call(self, command: Callable[[Any], Awaitable[T]]) -> T:
        """Return what `command` returns for a redis.asyncio client. Raises StoreUnavailable.

        A lost connection is made anew for each retry, so that Sentinels are asked again for the primary.
        """

        async def run() -> T:
            return await command(self._redis)

        async def ignore(_: Exception) -> None:
            """The pool replaces broken connections."""

        with translate_redis_errors():
            return await self._retry.call_with_retry(run, ignore)

    async def query(self, query: Query[T]) -> T:
        """Run a query's scripts and return its result."""
        reply = None
        while True:
            try:
                call = query.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            reply = await self.run(*call)

    async def run(self, script: str, keys: list[str], values: list[Any]) -> Any:
        """Run a script, in one pipeline with those that are run at the same time."""
        loop = asyncio.get_running_loop()
        reply = loop.create_future()
        if not self._pending:
            loop.call_soon(self._send_pending)
        self._pending.append(_Pending(Call(script, keys, values), reply))
        return await reply

    def _send_pending(self) -> None:
        pending, self._pending = self._pending, []
        task = asyncio.create_task(self._send(pending))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, pending: Sequence[_Pending]) -> None:
        try:
            replies = await self._run_all([one.call for one in pending]) if len(pending) > 1 else [None]
        except Exception as error:
            replies = [error] * len(pending)
        for (call, future), reply in zip(pending, replies, strict=True):
            try:
                # A call of its own loads a script that the server does not know, and raises errors that are translated.
                result = reply if reply is not None else await self._run_one(*call)
            except Exception as error:
                result = error
            if future.done():
                continue  # the caller was cancelled
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def _run_all(self, calls: Sequence[Call]) -> list[Any]:
        """The replies to the calls; None for those that must be repeated one by one."""

        async def run(server: Any) -> list[Any]:
            pipeline = server.pipeline(transaction=False)
            for script, keys, values in calls:
                pipeline.execute_command("EVALSHA", self._script(script).sha, len(keys), *keys, *values)
            replies: list[Any] = await pipeline.execute(raise_on_error=False)
            return replies

        replies = await self.call(run)
        return [None if isinstance(reply, Exception) else reply for reply in replies]

    async def _run_one(self, script: str, keys: list[str], values: list[Any]) -> Any:
        registered = self._script(script)

        async def run(server: Any) -> Any:
            try:
                # `Script.__call__` takes as long again.
                return await server.execute_command("EVALSHA", registered.sha, len(keys), *keys, *values)
            except NoScriptError:
                return await registered(keys=keys, args=values)

        return await self.call(run)

    def _script(self, name: str) -> Any:
        if name not in self._scripts:
            self._scripts[name] = self._redis.register_script(read_script(name))
        return self._scripts[name]


def _pool(server: Server, connections: int, timeout: float) -> BlockingConnectionPool:
    common: dict[str, Any] = {
        "max_connections": connections,
        "timeout": timeout,
        "decode_responses": True,
        "socket_timeout": timeout,
        # AsyncRedisClient.call retries with a new connection instead.
        "retry": Retry(NoBackoff(), 0),
    }
    if server.sentinels is None:
        return BlockingConnectionPool.from_url(server.url, **common)
    return primary_async_pool(server.sentinels, **common)
