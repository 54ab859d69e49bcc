"""Webhook dispatcher: signed messages about ended merges, retried with exponential backoff.

Source: the Standard Webhooks specification (headers, signature, retries, 410 for a receiver that is gone).
"""

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from starlette.concurrency import run_in_threadpool

from registry.base_record import now
from registry.errors import Conflict, InvalidRecord, MergeNotFound, OdemError, StoreUnavailable, WebhookNotFound
from registry.merge import Merge
from registry.networks import parse_networks
from registry.state.interface import LineageStore, MergeStore
from registry.state.webhooks import WebhookRepository
from registry.webhook import TEST, Attempt, Delivery, Webhook, message_id, new_secret, new_webhook_id, sign
from service.auth.api_keys import Caller
from service.auth.shares import SharedLimit
from service.settings import GatewaySettings
from service.webhooks.ssrf_safe_client import SsrfSafeClient, Unreachable

_MAX_CONCURRENT = 16
_MAX_CONCURRENT_PER_LINEAGE = 4
_BACKOFF_FACTOR = 4
_MAX_DELAY_SECONDS = 6 * 3600.0
_JITTER = 0.2
_LEASE_MARGIN_SECONDS = 20.0
_GONE = 410
_log = logging.getLogger(__name__)


def retry_delay(attempt: int, first: float, uniform: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds after a failed attempt: `first`, then four times as long each time, at most 6 h, with 20 % jitter."""
    return float(min(_MAX_DELAY_SECONDS, first * _BACKOFF_FACTOR ** (attempt - 1)) * uniform(1 - _JITTER, 1 + _JITTER))


def merge_payload(merge: Merge) -> dict[str, Any]:
    """The JSON message about an ended merge: ids and state; receivers request the details."""
    return {
        "type": f"merge.{merge.state}",
        "timestamp": (merge.ended_at or now()).isoformat(),
        "data": {
            "merge": merge.id,
            "lineage": merge.lineage,
            "task": merge.task.name,
            "state": str(merge.state),
            "version": None if merge.version is None else f"{merge.lineage}@{merge.version}",
            "problem": None if merge.problem is None else merge.problem.model_dump(mode="json"),
            "labels": dict(merge.labels),
        },
    }


@dataclass
class WebhookDispatcher:
    """Delivers due messages in the background. Several gateways may run one each; a lease keeps them apart."""

    settings: GatewaySettings
    lineages: LineageStore
    merges: MergeStore
    webhooks: WebhookRepository
    client: SsrfSafeClient

    @classmethod
    def create(
        cls, settings: GatewaySettings, lineages: LineageStore, merges: MergeStore, webhooks: WebhookRepository
    ) -> Self:
        """A dispatcher with an HTTP client of its own."""
        networks = parse_networks(settings.webhook_networks)
        client = SsrfSafeClient(networks, settings.webhook_timeout_seconds, allow_http=settings.webhook_http)
        return cls(settings, lineages, merges, webhooks, client)

    def __post_init__(self) -> None:
        self._tests = SharedLimit(
            self.settings.max_webhook_tests, self.settings.key_share, "webhook tests", "ODEM_MAX_WEBHOOK_TESTS"
        )
        self._in_flight: dict[asyncio.Task[None], str] = {}
        self._task: asyncio.Task[None] | None = None
        self._store_unavailable = False

    def start(self) -> None:
        """Start to poll for due deliveries."""
        self._task = asyncio.create_task(self._run(), name="webhooks")

    async def close(self) -> None:
        """Stop. Deliveries in flight are due again when their lease expires."""
        tasks = [task for task in (self._task, *self._in_flight) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.client.close()

    async def _run(self) -> None:
        while True:
            due = await self._claim()
            for delivery in due:
                task = asyncio.create_task(self._deliver(delivery))
                self._in_flight[task] = delivery.lineage
                task.add_done_callback(self._in_flight.pop)
            if not due:
                await asyncio.sleep(self.settings.webhook_poll_seconds)

    async def _claim(self) -> Sequence[Delivery]:
        """Due deliveries, as many as the concurrency limits allow."""
        free = _MAX_CONCURRENT - len(self._in_flight)
        if not free:
            return ()
        full = {
            lineage
            for lineage, count in Counter(self._in_flight.values()).items()
            if count >= _MAX_CONCURRENT_PER_LINEAGE
        }
        lease_ms = round((self.settings.webhook_timeout_seconds + _LEASE_MARGIN_SECONDS) * 1000)
        try:
            due = await run_in_threadpool(self.webhooks.claim_due, lease_ms, free, full)
        except StoreUnavailable as error:
            # Log once, not at every poll.
            if not self._store_unavailable:
                _log.warning("Webhook deliveries paused: %s", error)
            self._store_unavailable = True
            return ()
        except Exception:
            _log.exception("Webhook deliveries paused")
            return ()
        self._store_unavailable = False
        return due

    async def _deliver(self, delivery: Delivery) -> None:
        """Make one attempt. After any error the delivery is due again when its lease expires."""
        try:
            await self._try(delivery)
        except OdemError as error:
            _log.warning("Delivery to webhook %s postponed: %s", delivery.webhook, error)
        except Exception:
            _log.exception("Delivery to webhook %s postponed", delivery.webhook)

    async def _try(self, delivery: Delivery) -> None:
        webhook, merge = await run_in_threadpool(self._read, delivery)
        if webhook is None or merge is None:
            result, retry = _not_sent(delivery), False
        else:
            message = message_id(webhook.id, merge.id)
            result = await self._attempt(webhook, merge.id, message, merge_payload(merge), delivery.attempt)
            retry = result.error is not None and delivery.attempt < self.settings.webhook_attempts
        gone = result.status == _GONE
        retry_ms = None
        if retry and not gone:
            retry_ms = round(retry_delay(delivery.attempt, self.settings.webhook_retry_seconds) * 1000)
        disable_ms = 0 if gone else round(self.settings.webhook_disable_seconds * 1000)
        _, outcome = await run_in_threadpool(self.webhooks.record_attempt, delivery, result, retry_ms, disable_ms)
        if outcome == "disabled":
            _log.warning("Webhook %s of lineage %s disabled: %s", delivery.webhook, delivery.lineage, result.error)

    def _read(self, delivery: Delivery) -> tuple[Webhook | None, Merge | None]:
        """The webhook and the merge, or None where one is deleted or the webhook is disabled."""
        try:
            webhook = self.webhooks.get(delivery.lineage, delivery.webhook)
            merge = self.merges.get(delivery.merge)
        except (WebhookNotFound, MergeNotFound):
            return None, None
        return (None, None) if webhook.disabled_at is not None else (webhook, merge)

    def add(self, lineage: str, url: str) -> Webhook:
        """Create a webhook of a lineage. Raises LineageNotFound, InvalidRecord, Conflict."""
        self.lineages.get(lineage)
        try:
            self.client.check(url)
        except Unreachable as error:
            raise InvalidRecord(f"The webhook URL is not allowed. {error}") from error
        webhook = Webhook(id=new_webhook_id(), lineage=lineage, url=url, secret=new_secret(), created_at=now())
        limit = self.settings.webhooks_per_lineage
        if not self.webhooks.add(webhook, limit):
            raise Conflict(
                f"Lineage {lineage!r} already has {limit} webhooks (ODEM_WEBHOOKS_PER_LINEAGE). Delete one first."
            )
        return webhook

    async def test(self, webhook: Webhook, caller: Caller) -> Attempt:
        """Send a test message now. A disabled webhook that accepts it is enabled again. Raises Overloaded."""
        with self._tests.hold(caller):
            return await self._test(webhook)

    async def _test(self, webhook: Webhook) -> Attempt:
        payload = {"type": "webhook.test", "timestamp": now().isoformat(), "data": {"lineage": webhook.lineage}}
        message = message_id(webhook.id, new_webhook_id())
        result = await self._attempt(webhook, TEST, message, payload, 1)
        await run_in_threadpool(self.webhooks.log_test, webhook, result)
        if result.error is None and webhook.disabled_at is not None:
            await run_in_threadpool(self.webhooks.enable, webhook)
        return result

    async def _attempt(
        self, webhook: Webhook, merge: str, message: str, payload: dict[str, Any], attempt: int
    ) -> Attempt:
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        time = now()
        seconds = int(time.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign(webhook.secret, message, seconds, body),
        }
        status, error, milliseconds = None, None, 0
        try:
            response = await self.client.post(webhook.url, headers, body)
            status, milliseconds = response.status, response.milliseconds
            if not 200 <= status < 300:
                error = f"The receiver responded with {status}; only 2xx acknowledges a message."
        except Unreachable as reason:
            error = str(reason)
            milliseconds = round((now() - time).total_seconds() * 1000)
        return Attempt(
            time=time,
            merge=merge,
            message=message,
            attempt=attempt,
            status=status,
            error=error,
            milliseconds=milliseconds,
        )


def _not_sent(delivery: Delivery) -> Attempt:
    return Attempt(
        time=now(),
        merge=delivery.merge,
        message=message_id(delivery.webhook, delivery.merge),
        attempt=delivery.attempt,
        status=None,
        error="Nothing was sent: the webhook is disabled or deleted, or the merge no longer exists.",
        milliseconds=0,
    )
