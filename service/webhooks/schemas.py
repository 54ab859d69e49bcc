"""The wire of the webhook routes."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from registry.webhook import Attempt, Webhook


class WebhookRequest(BaseModel):
    """Where to send word when a merge ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        description="An https:// URL of a receiver with a public address.",
        examples=["https://example.com/hooks/odem"],
        min_length=1,
        max_length=2000,
    )


class WebhookView(BaseModel):
    """A webhook. `disabled_at`: since when it is told nothing, because nothing could be delivered for long."""

    id: str
    lineage: str
    url: str
    created_at: datetime
    disabled_at: datetime | None

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """The view of a record."""
        return cls(**webhook.model_dump(exclude={"secret"}))


class WebhookMade(WebhookView):
    """A webhook that was just made, with the secret to verify signatures with: shown this once."""

    secret: str

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """The view of a record."""
        return cls(**webhook.model_dump())


class WebhookPage(BaseModel):
    """A lineage's webhooks, oldest first."""

    webhooks: list[WebhookView]


class AttemptView(Attempt):
    """What came of one attempt to deliver. `merge` is `test` for one that was asked for."""


class AttemptPage(BaseModel):
    """The newest attempts, newest first."""

    deliveries: list[AttemptView]
