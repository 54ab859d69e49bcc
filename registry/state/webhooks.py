"""Webhooks and their deliveries in Redis or Valkey.

What a webhook is to be told is written by the scripts that end merges, so no crash loses it; gateways claim what is
due.
"""

import random
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta

from registry.base_record import now
from registry.errors import WebhookNotFound
from registry.state.connection import RedisConnection, answers
from registry.state.keys import WEBHOOKS, LineageKeys
from registry.webhook import Attempt, Delivery, Webhook

LOG_LENGTH = 100
"""Attempts that a webhook's log keeps."""


class RedisWebhooks(RedisConnection):
    """Webhooks by lineage. Safe to share between threads; any method may raise StoreUnavailable."""

    def add(self, webhook: Webhook, most: int) -> bool:
        """Store a webhook, which is told of merges that end from now on; False when its lineage has `most` already."""
        keys = LineageKeys(webhook.lineage)
        with answers():
            # Listed first: should this process die between the two writes, no delivery goes unseen.
            self._redis.sadd(WEBHOOKS, webhook.lineage)
        values = [webhook.id, webhook.model_dump_json(), most]
        return bool(self._run("add_webhook", [keys.webhooks, keys.listening], values))

    def get(self, lineage: str, identity: str) -> Webhook:
        """Raises WebhookNotFound."""
        with answers():
            stored = self._redis.hget(LineageKeys(lineage).webhooks, identity)
        if stored is None:
            raise WebhookNotFound(lineage, identity)
        return Webhook.model_validate_json(stored)

    def list(self, lineage: str) -> Sequence[Webhook]:
        """A lineage's webhooks, oldest first."""
        with answers():
            stored = self._redis.hvals(LineageKeys(lineage).webhooks)
        return sorted(
            (Webhook.model_validate_json(text) for text in stored), key=lambda item: (item.created_at, item.id)
        )

    def delete(self, lineage: str, identity: str) -> None:
        """Forget a webhook and its log; what is under way to it is dropped. Raises WebhookNotFound."""
        keys = LineageKeys(lineage)
        with answers(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.srem(keys.listening, identity)
            pipeline.hdel(keys.failing, identity)
            pipeline.delete(keys.webhook_log(identity))
            pipeline.hdel(keys.webhooks, identity)
            found = pipeline.execute()[-1]
        if not found:
            raise WebhookNotFound(lineage, identity)

    def enable(self, webhook: Webhook) -> Webhook:
        """Tell a disabled webhook of merges again."""
        enabled = webhook.model_copy(update={"disabled_at": None})
        keys = LineageKeys(webhook.lineage)
        with answers():
            self._redis.hdel(keys.failing, webhook.id)
        self.add(enabled, 1)
        return enabled

    def log(self, lineage: str, identity: str) -> Sequence[Attempt]:
        """What came of the newest attempts, newest first. Raises WebhookNotFound."""
        self.get(lineage, identity)
        with answers():
            stored = self._redis.lrange(LineageKeys(lineage).webhook_log(identity), 0, -1)
        return [Attempt.model_validate_json(text) for text in stored]

    # What is to be delivered

    def claim_due(self, lease_ms: int, most: int, full: AbstractSet[str]) -> Sequence[Delivery]:
        """Take up to `most` deliveries that are due, each for a lease: nobody else has them until it is over.

        One of each lineage at a time, in any order, so that a lineage with many does not keep the others waiting; none
        of lineages that are `full`.
        """
        waiting = self._waiting_lineages() - full
        found: list[Delivery] = []
        for lineage in random.sample(sorted(waiting), len(waiting)):
            if len(found) < most and (claimed := self._claim_one(LineageKeys(lineage), lease_ms)):
                found.append(claimed)
        return found

    def _waiting_lineages(self) -> set[str]:
        """Lineages with deliveries that are due."""
        with answers():
            names = sorted(self._redis.smembers(WEBHOOKS))
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.time()
            for name in names:
                pipeline.zrange(LineageKeys(name).deliveries, 0, 0, withscores=True)
            (seconds, microseconds), *first = pipeline.execute()
        now_ms = int(seconds) * 1000 + int(microseconds) // 1000
        return {name for name, entry in zip(names, first, strict=True) if entry and float(entry[0][1]) <= now_ms}

    def _claim_one(self, keys: LineageKeys, lease_ms: int) -> Delivery | None:
        answer = self._run("claim_delivery", [keys.deliveries, keys.attempts], [lease_ms])
        if not answer:
            return None
        webhook, _, merge = answer[0].partition("/")
        return Delivery(lineage=keys.name, webhook=webhook, merge=merge, attempt=answer[1])

    def settle(
        self, delivery: Delivery, came: Attempt, retry_ms: int | None, disable_after_ms: int
    ) -> tuple[Attempt, str]:
        """Record an attempt and plan the next one.

        retry_ms: None when there is none, because it went well or was given up. disable_after_ms: how long a webhook
        may fail before it is disabled. Returns the attempt as it was logged, and what settle_delivery.lua returns.
        """
        keys = LineageKeys(delivery.lineage)
        place = f"{delivery.webhook}/{delivery.merge}"
        outcome = "again" if retry_ms is not None else "given up" if came.error else "done"
        logged = came
        if retry_ms is not None:
            logged = came.model_copy(update={"next_at": now() + timedelta(milliseconds=retry_ms)})
        names = [keys.deliveries, keys.attempts, keys.webhook_log(delivery.webhook), keys.failing, keys.listening]
        values = [delivery.webhook, place, delivery.attempt, outcome, retry_ms or 0, logged.model_dump_json()]
        values += [LOG_LENGTH, disable_after_ms, now().isoformat()]
        return logged, str(self._run("settle_delivery", [*names, keys.webhooks], values))

    def log_test(self, webhook: Webhook, came: Attempt) -> None:
        """Record an attempt that was asked for."""
        with answers(), self._redis.pipeline(transaction=True) as pipeline:
            name = LineageKeys(webhook.lineage).webhook_log(webhook.id)
            pipeline.lpush(name, came.model_dump_json())
            pipeline.ltrim(name, 0, LOG_LENGTH - 1)
            pipeline.execute()
