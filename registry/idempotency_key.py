"""Idempotency keys: a client repeats a request under the same key, and the service carries it out once.

Source: draft-ietf-httpapi-idempotency-key-header-07 (Idempotency-Key).
"""

from collections.abc import Mapping

from pydantic import Field

from registry.base_record import Record


class StoredResponse(Record):
    """The first response to a request; `headers` are those that a replay repeats."""

    status: int
    headers: dict[str, str] = Field(default_factory=dict)
    body: str


class IdempotencyRecord(Record):
    """An idempotency key as an attempt finds it.

    seed: the same for all attempts; ids are derived from it, so that two attempts make one thing.
    fingerprint: what an earlier attempt contained, by name; None if there was none.
    response: the stored response, once the request is done.
    """

    seed: str
    fingerprint: dict[str, str] | None = None
    response: StoredResponse | None = None

    def contradicts(self, known: Mapping[str, str]) -> bool:
        """Whether an earlier attempt contained something else, as far as is known of this one."""
        fingerprint = self.fingerprint
        return fingerprint is not None and any(fingerprint.get(name) != value for name, value in known.items())

    def repeats(self, fingerprint: Mapping[str, str]) -> bool:
        """Whether the request that got the stored response contained exactly this."""
        return self.response is not None and fingerprint == self.fingerprint
