"""Connections to whichever server the Sentinels call the primary, for threads and for an event loop.

redis-py asks the Sentinels when a connection is made, but one that breaks in the middle of a call goes back to where it
was; these ask again.
"""

from typing import Any

from redis import asyncio as aredis
from redis import sentinel
from redis.asyncio import sentinel as asentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from registry.redis_url import Sentinels

# mypy: disable-error-code="no-untyped-call"


class _Connection(sentinel.SentinelManagedConnection):
    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if not self._sock:
            self.connect()
        super().send_packed_command(command, check_health)


class _TlsConnection(sentinel.SentinelManagedSSLConnection):
    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if not self._sock:
            self.connect()
        super().send_packed_command(command, check_health)


class _AsyncConnection(asentinel.SentinelManagedConnection):
    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if not self.is_connected:
            await self.connect()
        await super().send_packed_command(command, check_health)


class _AsyncTlsConnection(asentinel.SentinelManagedSSLConnection):
    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if not self.is_connected:
            await self.connect()
        await super().send_packed_command(command, check_health)


class _Pool(sentinel.SentinelConnectionPool):
    """Closes what was asked of the Sentinels, too, once all is closed."""

    def disconnect(self, inuse_connections: bool = True) -> None:
        super().disconnect(inuse_connections)
        if inuse_connections:
            self.sentinel_manager.close()


class _BoundedPool(asentinel.SentinelConnectionPool, aredis.BlockingConnectionPool):
    """A bounded number of connections; whoever wants one more waits for one."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinel_manager.aclose()


def primary_pool(found: Sentinels, **options: Any) -> sentinel.SentinelConnectionPool:
    """Connections to the primary, safe to share between threads. `options` are redis-py's, for a connection."""
    # One try each: there are other Sentinels, and the call as a whole is tried again.
    sentinels = sentinel.Sentinel(found.places, sentinel_kwargs=found.to_sentinels | {"retry": Retry(NoBackoff(), 0)})
    options["connection_class"] = _TlsConnection if found.tls else _Connection
    return _Pool(found.name, sentinels, **found.to_servers, **options)


def primary_async_pool(found: Sentinels, **options: Any) -> aredis.BlockingConnectionPool:
    """A bounded number of connections to the primary, for one event loop."""
    to_sentinels = found.to_sentinels | {"retry": AsyncRetry(NoBackoff(), 0)}
    sentinels = asentinel.Sentinel(found.places, sentinel_kwargs=to_sentinels)
    options["connection_class"] = _AsyncTlsConnection if found.tls else _AsyncConnection
    return _BoundedPool(found.name, sentinels, **found.to_servers, **options)
