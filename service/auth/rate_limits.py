"""Rate limit and quotas of a key: requests per second, bytes per day, unfinished merges.

Source: draft-ietf-httpapi-ratelimit-headers-09 (RateLimit-Policy, RateLimit).
"""

import asyncio
import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from cachetools import LRUCache
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope

from registry.api_key import ApiKey
from registry.base_record import now
from registry.errors import QuotaExceeded, TooManyRequests
from registry.state.quotas import QuotaRepository
from service.auth.api_keys import Caller
from service.http.body_refused import BodyRefused
from service.settings import GatewaySettings

_STEP = 16 << 20
_MAX_BUCKETS = 10_000
_QUEUE_RETRY_SECONDS = 10.0


@dataclass
class _Bucket:
    """A token bucket as this gateway knows it: tokens that it took in advance, and those left in the store."""

    held: int = 0
    stored: float = 0.0
    empty_until: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter:
    """Token buckets in the state store, one per key.

    A gateway takes the tokens of a tenth of a second at a time, so most requests need no store; the tokens that it
    holds come on top of the burst.
    """

    def __init__(self, quotas: QuotaRepository) -> None:
        self._quotas = quotas
        self._buckets: LRUCache[str, _Bucket] = LRUCache(_MAX_BUCKETS)

    async def take(self, who: str, rate: float, burst: int, headers: dict[str, str]) -> None:
        """Take one token and add the RateLimit headers. Raises TooManyRequests."""
        bucket = self._buckets.setdefault(who, _Bucket())
        if not bucket.held:
            async with bucket.asking:
                if not bucket.held and time.monotonic() >= bucket.empty_until:
                    wanted = min(burst, max(1, int(rate / 10)))
                    bucket.held, bucket.stored = await run_in_threadpool(
                        self._quotas.take_tokens, who, rate, burst, wanted
                    )
                    if not bucket.held:
                        bucket.empty_until = time.monotonic() + (1 - bucket.stored) / rate
        headers |= _headers(min(burst, bucket.held - 1 + int(bucket.stored)) if bucket.held else 0, rate, burst)
        if not bucket.held:
            raise TooManyRequests(
                f"Rate limit: {rate:g}/s sustained, burst {burst}. Retry after the number of seconds in Retry-After.",
                bucket.empty_until - time.monotonic(),
            )
        bucket.held -= 1


def _headers(left: int, rate: float, burst: int) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"requests";q={burst};w={math.ceil(burst / rate)}',
        "RateLimit": f'"requests";r={left};t={math.ceil(max(0, burst - left) / rate)}',
    }


@dataclass(frozen=True)
class Limits:
    """The limits of one key: its own, or else those of the settings. 0 means no limit."""

    rate: float
    burst: int
    queued_merges: int
    upload_bytes: int

    @classmethod
    def from_key(cls, key: ApiKey, settings: GatewaySettings) -> Self:
        """The limits of a key."""
        own = key.limits
        return cls(
            rate=settings.rate_limit if own.rate is None else own.rate,
            burst=settings.rate_burst if own.burst is None else own.burst,
            queued_merges=settings.quota_queued_merges if own.queued_merges is None else own.queued_merges,
            upload_bytes=settings.quota_upload_bytes if own.upload_bytes_per_day is None else own.upload_bytes_per_day,
        )


class MergeQuota:
    """Quota of unfinished merges. A route declares it with `@reserves(MergeQuota)`."""

    def __init__(self, quotas: QuotaRepository, settings: GatewaySettings) -> None:
        self._quotas = quotas
        self._settings = settings

    async def check(self, caller: Caller) -> None:
        """Raises QuotaExceeded when the caller has no room for one more merge; called before the body is read."""
        key, limit = caller.key, self._limit(caller)
        if key and limit and not await run_in_threadpool(self._quotas.has_merge_quota, key.id, limit):
            raise _merge_quota_exceeded(limit)

    def reserve(self, caller: Caller, lineage: str, merge: str) -> None:
        """Count a merge that is about to be queued. Blocks on the store. Raises QuotaExceeded."""
        key, limit = caller.key, self._limit(caller)
        if key and limit and not self._quotas.reserve_merge_quota(key.id, lineage, merge, limit):
            raise _merge_quota_exceeded(limit)

    def _limit(self, caller: Caller) -> int:
        return Limits.from_key(caller.key, self._settings).queued_merges if caller.key else 0


def _merge_quota_exceeded(limit: int) -> QuotaExceeded:
    return QuotaExceeded(
        f"Quota of {limit} unfinished merges reached (queued_merges). Wait for a merge to end, or cancel one.",
        _QUEUE_RETRY_SECONDS,
    )


class ByteMeter:
    """Counts the bytes of one request's body against a key's daily quota (UTC).

    The announced Content-Length is counted at once, so an excess is refused before it is sent; `refund` gives back what
    did not arrive.
    """

    def __init__(self, quotas: QuotaRepository, key: ApiKey, limit: int) -> None:
        self._quotas = quotas
        self._key = key.id
        self._limit = limit
        self._day = now().date().isoformat()
        self._granted = 0
        self._received = 0

    async def begin(self, scope: Scope) -> None:
        """Raises QuotaExceeded."""
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if announced.isdigit():
            await self._grant(int(announced))
        elif not await run_in_threadpool(self._quotas.has_bytes, self._key, self._day, self._limit):
            raise self._exceeded()

    def around(self, receive: Receive) -> Receive:
        """The body, counted while it is read. Reading raises BodyRefused."""

        async def counted() -> Message:
            message = await receive()
            self._received += len(message.get("body", b""))
            if self._received > self._granted:
                try:
                    await self._grant(min(_STEP, self._limit), self._received - self._granted)
                except QuotaExceeded as error:
                    raise BodyRefused(error) from error
            return message

        return counted

    async def refund(self) -> None:
        """Give back what was counted and did not arrive."""
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
        return self._quotas.spend_bytes(self._key, self._day, amount, self._limit)

    def _exceeded(self) -> QuotaExceeded:
        tomorrow = datetime.combine(now().date() + timedelta(days=1), datetime.min.time(), UTC)
        return QuotaExceeded(
            f"Quota of {self._limit} bytes per day reached (upload_bytes_per_day; days are UTC).",
            (tomorrow - now()).total_seconds(),
        )
