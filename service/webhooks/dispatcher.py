"""Telling webhooks of merges that ended: signed, tried again with growing pauses, given up in the end.

Source: the Standard Webhooks specification (headers, signature, retries, 410 for a receiver that is gone).
"""

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from registry.base_record import now
from registry.errors import Conflict, InvalidRecord, MergeNotFound, OdemError, StoreUnavailable, WebhookNotFound
from registry.merge import Merge
from registry.state.interface import StateStore
from registry.state.webhooks import WebhookRepository
from registry.webhook import TEST, Attempt, Delivery, Webhook, message_id, new_secret, new_webhook_id, sign
from service.settings import GatewaySettings
from service.webhooks.ssrf_safe_client import SsrfSafeClient, Unreachable

_AT_ONCE = 16
_AT_ONCE_OF_LINEAGE = 4
_GROWTH = 4
_LONGEST_PAUSE = 6 * 3600.0
_JITTER = 0.2
_LEASE_MARGIN_SECONDS = 20.0
_GONE = 410
_log = logging.getLogger(__name__)


def pause(attempt: int, first: float, uniform: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds after a failed attempt: `first`, then four times as long each time, 6 h at most, give or take a fifth."""
    return float(min(_LONGEST_PAUSE, first * _GROWTH ** (attempt - 1)) * uniform(1 - _JITTER, 1 + _JITTER))


def message_of(merge: Merge) -> dict[str, Any]:
    """What a webhook is told of a merge: enough to know what to ask for, and no more."""
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
    """Delivers what is due, in the background of one gateway; others may do the same beside it."""

    settings: GatewaySettings
    state: StateStore
    webhooks: WebhookRepository
    outward: SsrfSafeClient

    def __post_init__(self) -> None:
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._task: asyncio.Task[None] | None = None
        self._cut_off = False

    def start(self) -> None:
        """Begin to look for what is due."""
        self._task = asyncio.create_task(self._run(), name="webhooks")

    async def close(self) -> None:
        """Stop. What was under way is due again when its lease is over."""
        tasks = [task for task in (self._task, *self._under_way) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.outward.close()

    async def _run(self) -> None:
        while True:
            due = await self._claim()
            for delivery in due:
                task = asyncio.create_task(self._deliver(delivery))
                self._under_way[task] = delivery.lineage
                task.add_done_callback(self._under_way.pop)
            if not due:
                await asyncio.sleep(self.settings.webhook_poll_seconds)

    async def _claim(self) -> Sequence[Delivery]:
        """What is due, as far as there is room for it."""
        room = _AT_ONCE - len(self._under_way)
        if not room:
            return ()
        full = {lineage for lineage, count in Counter(self._under_way.values()).items() if count >= _AT_ONCE_OF_LINEAGE}
        lease_ms = round((self.settings.webhook_timeout_seconds + _LEASE_MARGIN_SECONDS) * 1000)
        try:
            found = await run_in_threadpool(self.webhooks.claim_due, lease_ms, room, full)
        except StoreUnavailable as error:
            # Said once: this is asked every second.
            if not self._cut_off:
                _log.warning("Webhooks wait: %s", error)
            self._cut_off = True
            return ()
        except Exception:
            _log.exception("Webhooks wait")
            return ()
        self._cut_off = False
        return found

    async def _deliver(self, delivery: Delivery) -> None:
        """One attempt. Whatever goes wrong here, the message is due again when its lease is over."""
        try:
            await self._try(delivery)
        except OdemError as error:
            _log.warning("A delivery to the webhook %s waits: %s", delivery.webhook, error)
        except Exception:
            _log.exception("A delivery to the webhook %s waits", delivery.webhook)

    async def _try(self, delivery: Delivery) -> None:
        webhook, merge = await run_in_threadpool(self._read, delivery)
        if webhook is None or merge is None:
            came, again = _nothing_to_send(delivery), False
        else:
            message = message_id(webhook.id, merge.id)
            came = await self._attempt(webhook, merge.id, message, message_of(merge), delivery.attempt)
            again = came.error is not None and delivery.attempt < self.settings.webhook_attempts
        gone = came.status == _GONE
        retry_ms = None
        if again and not gone:
            retry_ms = round(pause(delivery.attempt, self.settings.webhook_retry_seconds) * 1000)
        patience_ms = 0 if gone else round(self.settings.webhook_disable_seconds * 1000)
        _, outcome = await run_in_threadpool(self.webhooks.record_attempt, delivery, came, retry_ms, patience_ms)
        if outcome == "disabled":
            _log.warning("The webhook %s of %s is disabled: %s", delivery.webhook, delivery.lineage, came.error)

    def _read(self, delivery: Delivery) -> tuple[Webhook | None, Merge | None]:
        """The webhook and the merge; None for what is deleted, disabled or lost."""
        try:
            webhook = self.webhooks.get(delivery.lineage, delivery.webhook)
            merge = self.state.get_merge(delivery.merge)
        except (WebhookNotFound, MergeNotFound):
            return None, None
        return (None, None) if webhook.disabled_at is not None else (webhook, merge)

    def add(self, lineage: str, url: str) -> Webhook:
        """Make a webhook of a lineage. Raises LineageNotFound, InvalidRecord, Conflict."""
        self.state.get_lineage(lineage)
        try:
            self.outward.check(url)
        except Unreachable as error:
            raise InvalidRecord(f"Nothing can be sent to this URL. {error}") from error
        webhook = Webhook(id=new_webhook_id(), lineage=lineage, url=url, secret=new_secret(), created_at=now())
        most = self.settings.webhooks_per_lineage
        if not self.webhooks.add(webhook, most):
            raise Conflict(
                f"The lineage {lineage!r} has {most} webhooks already (ODEM_WEBHOOKS_PER_LINEAGE). Delete one."
            )
        return webhook

    async def test(self, webhook: Webhook) -> Attempt:
        """Try a webhook now, whatever its state; one that was disabled and answers well is told of merges again."""
        payload = {"type": "webhook.test", "timestamp": now().isoformat(), "data": {"lineage": webhook.lineage}}
        message = message_id(webhook.id, new_webhook_id())
        came = await self._attempt(webhook, TEST, message, payload, 1)
        await run_in_threadpool(self.webhooks.log_test, webhook, came)
        if came.error is None and webhook.disabled_at is not None:
            await run_in_threadpool(self.webhooks.enable, webhook)
        return came

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
            answer = await self.outward.post(webhook.url, headers, body)
            status, milliseconds = answer.status, answer.milliseconds
            if not 200 <= status < 300:
                error = f"The receiver answered {status}; only 2xx means that it has the message."
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


def _nothing_to_send(delivery: Delivery) -> Attempt:
    return Attempt(
        time=now(),
        merge=delivery.merge,
        message=message_id(delivery.webhook, delivery.merge),
        attempt=delivery.attempt,
        status=None,
        error="The webhook is disabled, or the merge is no more: nothing was sent.",
        milliseconds=0,
    )
