"""Intents: what a client wants done once, however often it asks, under a key that it has chosen.

Source: draft-ietf-httpapi-idempotency-key-header-07 (Idempotency-Key).
"""

from collections.abc import Mapping

from pydantic import Field

from registry.base_record import Record


class Answer(Record):
    """What was answered first; `headers` are those that belong to it."""

    status: int
    headers: dict[str, str] = Field(default_factory=dict)
    body: str


class IdempotencyRecord(Record):
    """One intent as an attempt at it finds it.

    seed: the same for all attempts; what they make is named after it, so that two attempts make one thing.
    asked: what an earlier attempt was about, by name; None when none has come so far.
    answer: there once it is done.
    """

    seed: str
    asked: dict[str, str] | None = None
    answer: Answer | None = None

    def contradicts(self, asked: Mapping[str, str]) -> bool:
        """Whether an earlier attempt was about something else, as far as is said."""
        return self.asked is not None and any(self.asked.get(name) != value for name, value in asked.items())

    def repeats(self, asked: Mapping[str, str]) -> bool:
        """Whether this is all that the attempt which was answered was about."""
        return self.answer is not None and asked == self.asked
