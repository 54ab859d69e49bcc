"""Connection pools that ask Sentinels for the primary whenever a connection is made."""

from typing import Any

from redis import asyncio as aredis
from redis import sentinel
from redis.asyncio import sentinel as asentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from registry.redis_url import Sentinels

# mypy: disable-error-code="no-untyped-call"


class _Pool(sentinel.SentinelConnectionPool):
    """Also closes the connections to the Sentinels when all of its connections are closed."""

    def disconnect(self, inuse_connections: bool = True) -> None:
        super().disconnect(inuse_connections)
        if inuse_connections:
            self.sentinel_manager.close()


class _BoundedPool(asentinel.SentinelConnectionPool, aredis.BlockingConnectionPool):
    """A bounded number of connections; a caller waits for a free one."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinel_manager.aclose()


def primary_pool(server: Sentinels, **options: Any) -> sentinel.SentinelConnectionPool:
    """Connections to the primary, safe to share between threads. `options` are redis-py's connection options."""
    # One attempt each: there are other Sentinels, and the whole call is retried.
    options_of_sentinels = server.to_sentinels | {"retry": Retry(NoBackoff(), 0)}
    sentinels = sentinel.Sentinel(server.addresses, sentinel_kwargs=options_of_sentinels)
    return _Pool(server.name, sentinels, **server.to_servers, **options)


def primary_async_pool(server: Sentinels, **options: Any) -> aredis.BlockingConnectionPool:
    """A bounded number of connections to the primary, for one event loop."""
    options_of_sentinels = server.to_sentinels | {"retry": AsyncRetry(NoBackoff(), 0)}
    sentinels = asentinel.Sentinel(server.addresses, sentinel_kwargs=options_of_sentinels)
    return _BoundedPool(server.name, sentinels, **server.to_servers, **options)
