"""Request and response schemas of the webhook routes."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from registry.webhook import Attempt, Webhook


class WebhookRequest(BaseModel):
    """A webhook to create: a URL that receives a message when a merge ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        description="URL of the receiver: https://, with a public address.",
        examples=["https://example.com/hooks/odem"],
        min_length=1,
        max_length=2000,
    )


class WebhookView(BaseModel):
    """A webhook of a lineage, without its secret."""

    id: str = Field(description="Id of the webhook, made by the service.")
    lineage: str = Field(description="Lineage whose merges the webhook reports.")
    url: str = Field(description="URL that receives the messages.")
    created_at: datetime = Field(description="When the webhook was created.")
    disabled_at: datetime | None = Field(
        description="When the webhook was disabled because deliveries failed for too long; null while it is enabled."
    )

    @classmethod
    def from_webhook(cls, webhook: Webhook) -> Self:
        """The view of a record."""
        return cls(**webhook.model_dump(exclude={"secret"}))


class WebhookMade(WebhookView):
    """A new webhook with its signing secret, which no later response shows."""

    secret: str = Field(description="Secret that signs the messages, as in the Standard Webhooks specification.")

    @classmethod
    def from_webhook(cls, webhook: Webhook) -> Self:
        """The view of a record."""
        return cls(**webhook.model_dump())


class WebhookPage(BaseModel):
    """A lineage's webhooks, oldest first."""

    webhooks: list[WebhookView] = Field(description="All webhooks of the lineage.")


class AttemptView(Attempt):
    """An attempt to deliver a message; `merge` is `test` for a test message."""


class AttemptPage(BaseModel):
    """Delivery log of a webhook."""

    deliveries: list[AttemptView] = Field(description="The newest attempts, newest first.")
