"""Webhooks: where to send word when a merge of a lineage ends. Source: the Standard Webhooks specification."""

import base64
import hashlib
import hmac
import secrets

from pydantic import Field

from registry.base_record import Record, Timestamp

SECRET_PREFIX = "whsec_"  # noqa: S105  the prefix that the specification gives to secrets
TEST = "test"
"""Stands where a merge's id would, in a delivery that was asked for to try the webhook."""


class Webhook(Record):
    """A receiver. `secret` signs what is sent: it must be kept, unlike an API key's, but is shown once only.

    disabled_at: since when nothing is sent, because nothing could be delivered for long.
    """

    id: str
    lineage: str
    url: str
    secret: str = Field(repr=False)
    created_at: Timestamp
    disabled_at: Timestamp | None = None


class Delivery(Record):
    """One merge's end on its way to one webhook. `attempt` counts from 1 and is the fence of whoever tries it now."""

    lineage: str
    webhook: str
    merge: str
    attempt: int


class Attempt(Record):
    """What came of one attempt.

    status: of the receiver's answer, None without one. error: in words; None if it went well.
    next_at: when it is tried again; None when it is not.
    """

    time: Timestamp
    merge: str
    message: str
    attempt: int
    status: int | None
    error: str | None
    milliseconds: int
    next_at: Timestamp | None = None


def new_secret() -> str:
    """A signing secret: 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def new_webhook_id() -> str:
    """A fresh, unguessable id."""
    return f"whk_{secrets.token_hex(12)}"


def message_id(webhook: str, merge: str) -> str:
    """A message's id: the same for each attempt, so that receivers can tell what they have had."""
    return f"msg_{hashlib.sha256(f'{webhook}/{merge}'.encode()).hexdigest()[:32]}"


def sign(secret: str, message: str, seconds: int, body: bytes) -> str:
    """The `webhook-signature` header. seconds: since 1970, as `webhook-timestamp` says them."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
