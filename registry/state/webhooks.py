"""Webhooks and their deliveries in Redis or Valkey.

The script that ends a merge also writes its deliveries, so no crash loses one; gateways claim those that are due.
"""

import random
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any

from registry.base_record import now
from registry.errors import WebhookNotFound
from registry.state.connection import RedisClient
from registry.state.keys import WEBHOOKS, LineageKeys
from registry.webhook import Attempt, Delivery, Webhook

LOG_LENGTH = 100
"""How many attempts a webhook's log keeps."""


class WebhookRepository:
    """Webhooks by lineage. Safe to share between threads; any method may raise StoreUnavailable."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def add(self, webhook: Webhook, limit: int) -> bool:
        """Store a webhook, which receives merges that end from now on; False if its lineage has `limit` already."""
        keys = LineageKeys(webhook.lineage)
        # Listed first: if this process dies between the two writes, every delivery is still found.
        self._client.call(lambda server: server.sadd(WEBHOOKS, webhook.lineage))
        values = [webhook.id, webhook.model_dump_json(), limit]
        return bool(self._client.run("add_webhook", [keys.webhooks, keys.listening], values))

    def get(self, lineage: str, identity: str) -> Webhook:
        """Raises WebhookNotFound."""
        stored = self._client.call(lambda server: server.hget(LineageKeys(lineage).webhooks, identity))
        if stored is None:
            raise WebhookNotFound(lineage, identity)
        return Webhook.model_validate_json(stored)

    def list(self, lineage: str) -> Sequence[Webhook]:
        """A lineage's webhooks, oldest first."""
        stored = self._client.call(lambda server: server.hvals(LineageKeys(lineage).webhooks))
        return sorted(
            (Webhook.model_validate_json(text) for text in stored), key=lambda item: (item.created_at, item.id)
        )

    def delete(self, lineage: str, identity: str) -> None:
        """Delete a webhook and its log; deliveries in progress are dropped. Raises WebhookNotFound."""
        keys = LineageKeys(lineage)

        def write(server: Any) -> int:
            with server.pipeline(transaction=True) as pipeline:
                pipeline.srem(keys.listening, identity)
                pipeline.hdel(keys.failing, identity)
                pipeline.delete(keys.webhook_log(identity))
                pipeline.hdel(keys.webhooks, identity)
                return int(pipeline.execute()[-1])

        if not self._client.call(write):
            raise WebhookNotFound(lineage, identity)

    def enable(self, webhook: Webhook) -> Webhook:
        """Enable a disabled webhook again."""
        enabled = webhook.model_copy(update={"disabled_at": None})
        keys = LineageKeys(webhook.lineage)
        self._client.call(lambda server: server.hdel(keys.failing, webhook.id))
        self.add(enabled, 1)
        return enabled

    def log(self, lineage: str, identity: str) -> Sequence[Attempt]:
        """The newest delivery attempts, newest first. Raises WebhookNotFound."""
        self.get(lineage, identity)
        stored = self._client.call(lambda server: server.lrange(LineageKeys(lineage).webhook_log(identity), 0, -1))
        return [Attempt.model_validate_json(text) for text in stored]

    # Deliveries

    def claim_due(self, lease_ms: int, limit: int, full: AbstractSet[str]) -> Sequence[Delivery]:
        """Claim up to `limit` deliveries that are due, each for a lease during which no other caller gets them.

        One of each lineage per call, in random order, so that a lineage with many deliveries does not delay the
        others; none of lineages in `full`.
        """
        waiting = self._waiting_lineages() - full
        claimed: list[Delivery] = []
        for lineage in random.sample(sorted(waiting), len(waiting)):
            if len(claimed) < limit and (delivery := self._claim_one(LineageKeys(lineage), lease_ms)):
                claimed.append(delivery)
        return claimed

    def _waiting_lineages(self) -> set[str]:
        """Lineages with deliveries that are due."""
        names = sorted(self._client.call(lambda server: server.smembers(WEBHOOKS)))

        def read(server: Any) -> list[Any]:
            pipeline = server.pipeline(transaction=False)
            pipeline.time()
            for name in names:
                pipeline.zrange(LineageKeys(name).deliveries, 0, 0, withscores=True)
            replies: list[Any] = pipeline.execute()
            return replies

        (seconds, microseconds), *first = self._client.call(read)
        now_ms = int(seconds) * 1000 + int(microseconds) // 1000
        return {name for name, entry in zip(names, first, strict=True) if entry and float(entry[0][1]) <= now_ms}

    def _claim_one(self, keys: LineageKeys, lease_ms: int) -> Delivery | None:
        reply = self._client.run("claim_delivery", [keys.deliveries, keys.attempts], [lease_ms])
        if not reply:
            return None
        webhook, _, merge = reply[0].partition("/")
        return Delivery(lineage=keys.name, webhook=webhook, merge=merge, attempt=reply[1])

    def record_attempt(
        self, delivery: Delivery, attempt: Attempt, retry_ms: int | None, disable_after_ms: int
    ) -> tuple[Attempt, str]:
        """Log an attempt and schedule the next one.

        retry_ms: None if there is none, because it succeeded or was given up. disable_after_ms: how long a webhook may
        fail before it is disabled. Returns the attempt as logged, and the reply of finish_delivery.lua.
        """
        keys = LineageKeys(delivery.lineage)
        member = f"{delivery.webhook}/{delivery.merge}"
        outcome = "again" if retry_ms is not None else "given up" if attempt.error else "done"
        logged = attempt
        if retry_ms is not None:
            logged = attempt.model_copy(update={"next_at": now() + timedelta(milliseconds=retry_ms)})
        names = [keys.deliveries, keys.attempts, keys.webhook_log(delivery.webhook), keys.failing, keys.listening]
        values = [delivery.webhook, member, delivery.attempt, outcome, retry_ms or 0, logged.model_dump_json()]
        values += [LOG_LENGTH, disable_after_ms, now().isoformat()]
        return logged, str(self._client.run("finish_delivery", [*names, keys.webhooks], values))

    def log_test(self, webhook: Webhook, attempt: Attempt) -> None:
        """Log a test delivery."""
        name = LineageKeys(webhook.lineage).webhook_log(webhook.id)

        def write(server: Any) -> None:
            with server.pipeline(transaction=True) as pipeline:
                pipeline.lpush(name, attempt.model_dump_json())
                pipeline.ltrim(name, 0, LOG_LENGTH - 1)
                pipeline.execute()

        self._client.call(write)
