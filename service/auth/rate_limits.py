"""How much a key may do: a rate limit, and quotas of bytes and of merges that have not ended.

The headers are those of draft-ietf-httpapi-ratelimit-headers-09 (RateLimit-Policy, RateLimit).
"""

import asyncio
import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope

from registry.api_key import ApiKey
from registry.base_record import now
from registry.errors import QuotaExceeded, TooManyRequests
from registry.state.state_store import RedisApiKeys
from service.pipeline.body_limits import BodyRefused
from service.settings import GatewaySettings

_STEP = 16 << 20
_MOST_BUCKETS = 10_000
_QUEUE_PATIENCE_SECONDS = 10.0


@dataclass
class _Bucket:
    """What this gateway knows of one token bucket: tokens that it has taken in advance, and the rest in the store."""

    held: int = 0
    stored: float = 0.0
    empty_until: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter:
    """Token buckets in the state store, one for each key.

    A gateway takes a tenth of a second's worth at a time, so that most requests ask nobody: what it holds comes on top
    of the burst.
    """

    def __init__(self, access: RedisApiKeys) -> None:
        self._access = access
        self._buckets: dict[str, _Bucket] = {}

    async def take(self, who: str, rate: float, burst: int, headers: dict[str, str]) -> None:
        """Take one token, and add the headers that say how many are left. Raises TooManyRequests."""
        bucket = self._bucket(who)
        if not bucket.held:
            async with bucket.asking:
                if not bucket.held and time.monotonic() >= bucket.empty_until:
                    wanted = min(burst, max(1, int(rate / 10)))
                    bucket.held, bucket.stored = await run_in_threadpool(
                        self._access.take_tokens, who, rate, burst, wanted
                    )
                    if not bucket.held:
                        bucket.empty_until = time.monotonic() + (1 - bucket.stored) / rate
        headers |= _headers(min(burst, bucket.held - 1 + int(bucket.stored)) if bucket.held else 0, rate, burst)
        if not bucket.held:
            raise TooManyRequests(
                f"Requests come too fast: {rate:g} a second in the long run, {burst} at once after a pause.",
                bucket.empty_until - time.monotonic(),
            )
        bucket.held -= 1

    def _bucket(self, who: str) -> _Bucket:
        found = self._buckets.get(who)
        if found is None:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._buckets.clear()
            found = self._buckets[who] = _Bucket()
        return found


def _headers(left: int, rate: float, burst: int) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"requests";q={burst};w={math.ceil(burst / rate)}',
        "RateLimit": f'"requests";r={left};t={math.ceil(max(0, burst - left) / rate)}',
    }


@dataclass(frozen=True)
class Limits:
    """What holds for one key: its own limits, or else the settings. 0 is no limit."""

    rate: float
    burst: int
    queued_merges: int
    upload_bytes: int

    @classmethod
    def of(cls, key: ApiKey, settings: GatewaySettings) -> Self:
        """The limits of a key."""
        own = key.limits
        return cls(
            rate=settings.rate_limit if own.rate is None else own.rate,
            burst=settings.rate_burst if own.burst is None else own.burst,
            queued_merges=settings.quota_queued_merges if own.queued_merges is None else own.queued_merges,
            upload_bytes=settings.quota_upload_bytes if own.upload_bytes_per_day is None else own.upload_bytes_per_day,
        )


def check_merge_quota(access: RedisApiKeys, key: ApiKey, most: int) -> None:
    """Raises QuotaExceeded when a key has as many merges as it may that have not ended."""
    if most and not access.has_merge_quota(key.id, most):
        raise _too_many_merges(most)


def reserve_merge_quota(access: RedisApiKeys, key: ApiKey, most: int, lineage: str, merge: str) -> None:
    """Count a merge that is about to be queued. Raises QuotaExceeded."""
    if most and not access.reserve_merge_quota(key.id, lineage, merge, most):
        raise _too_many_merges(most)


def _too_many_merges(most: int) -> QuotaExceeded:
    return QuotaExceeded(
        f"This key has {most} merges that have not ended, and may have no more (quota queued_merges). Wait for one to "
        "end, or cancel one.",
        _QUEUE_PATIENCE_SECONDS,
    )


class ByteMeter:
    """Counts the bytes of one request's body against a key's quota for the day (UTC).

    What Content-Length announces is counted at once, so that too much is refused before it is sent; what did not come
    after all is given back by `settle`.
    """

    def __init__(self, access: RedisApiKeys, key: ApiKey, most: int) -> None:
        self._access = access
        self._key = key.id
        self._most = most
        self._day = now().date().isoformat()
        self._granted = 0
        self._received = 0

    async def begin(self, scope: Scope) -> None:
        """Raises QuotaExceeded."""
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if announced.isdigit():
            await self._grant(int(announced))
        elif not await run_in_threadpool(self._access.has_bytes, self._key, self._day, self._most):
            raise self._exceeded()

    def around(self, receive: Receive) -> Receive:
        """The body, counted as it comes; the one who reads it gets BodyRefused."""

        async def counted() -> Message:
            message = await receive()
            self._received += len(message.get("body", b""))
            if self._received > self._granted:
                try:
                    await self._grant(min(_STEP, self._most), self._received - self._granted)
                except QuotaExceeded as error:
                    raise BodyRefused(error) from error
            return message

        return counted

    async def settle(self) -> None:
        """Give back what was counted and did not come."""
        if self._granted > self._received:
            await run_in_threadpool(self._spend, self._received - self._granted)

    async def _grant(self, *amounts: int) -> None:
        """Count the first of these amounts that fits."""
        for amount in amounts:
            if not amount or await run_in_threadpool(self._spend, amount):
                self._granted += amount
                return
        raise self._exceeded()

    def _spend(self, amount: int) -> bool:
        return self._access.spend_bytes(self._key, self._day, amount, self._most)

    def _exceeded(self) -> QuotaExceeded:
        tomorrow = datetime.combine(now().date() + timedelta(days=1), datetime.min.time(), UTC)
        return QuotaExceeded(
            f"This key may send {self._most} bytes a day (quota upload_bytes_per_day, days are UTC), and this would be "
            "more.",
            (tomorrow - now()).total_seconds(),
        )
