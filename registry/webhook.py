"""Webhooks: receivers of notifications when a merge of a lineage ends. Source: the Standard Webhooks specification."""

import base64
import hashlib
import hmac
import secrets

from pydantic import Field

from registry.base_record import Record, Timestamp

SECRET_PREFIX = "whsec_"  # noqa: S105  the prefix that the specification gives to secrets
TEST = "test"
"""In place of a merge's id in a test delivery."""


class Webhook(Record):
    """A receiver. `secret` signs the messages; it is stored, unlike an API key's, but shown only once.

    disabled_at: when it was disabled, because deliveries had failed for too long.
    """

    id: str
    lineage: str
    url: str
    secret: str = Field(repr=False)
    created_at: Timestamp
    disabled_at: Timestamp | None = None


class Delivery(Record):
    """The notification of one merge to one webhook. `attempt` counts from 1 and is the fence of the current sender."""

    lineage: str
    webhook: str
    merge: str
    attempt: int


class Attempt(Record):
    """The result of one delivery attempt."""

    time: Timestamp = Field(description="When the attempt was made.")
    merge: str = Field(description="ID of the merge; `test` for a test message.")
    message: str = Field(description="ID of the message; the same for each attempt.")
    attempt: int = Field(description="Number of the attempt, from 1.")
    status: int | None = Field(description="Status of the receiver's response; null without one.")
    error: str | None = Field(description="Why the attempt failed; null after success.")
    milliseconds: int = Field(description="Duration of the attempt.")
    next_at: Timestamp | None = Field(None, description="When the next attempt is due; null if there is none.")


def new_secret() -> str:
    """A signing secret: 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def new_webhook_id() -> str:
    """A fresh, unguessable id."""
    return f"whk_{secrets.token_hex(12)}"


def message_id(webhook: str, merge: str) -> str:
    """A message's id: the same for each attempt, so that receivers can recognise repetitions."""
    return f"msg_{hashlib.sha256(f'{webhook}/{merge}'.encode()).hexdigest()[:32]}"


def sign(secret: str, message: str, seconds: int, body: bytes) -> str:
    """The `webhook-signature` header. seconds: since 1970, as in `webhook-timestamp`."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
