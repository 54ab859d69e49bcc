"""API keys, their scopes and limits. Only the hash of a key's secret is stored."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from registry.base_record import Name, Record, Text, Timestamp, now

_TOKEN = re.compile(r"odem_([0-9a-f]{16})_([0-9a-f]{48})")


class Scope(StrEnum):
    """Permissions of a key. Each scope includes those before it."""

    READ = "read"
    MERGE = "merge"
    ADMIN = "admin"

    def includes(self, other: "Scope") -> bool:
        """Whether this scope includes the other one."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


class KeyLimits(Record):
    """A key's own limits. None: the gateway's setting; 0: no limit."""

    rate: float | None = Field(None, ge=0, description="Sustained requests per second.")
    burst: int | None = Field(None, ge=1, description="Burst of requests after a pause.")
    queued_merges: int | None = Field(None, ge=0, description="Unfinished merges at a time.")
    upload_bytes_per_day: int | None = Field(None, ge=0, description="Bytes sent per day (UTC).")


class ApiKey(Record):
    """An API key. `hash` is the SHA-256 of its secret: 192 random bits need no slow hash.

    lineages: names of the lineages that it is limited to, which need not exist yet; None for all.
    """

    id: str
    name: Text
    scope: Scope
    lineages: tuple[Name, ...] | None = None
    limits: KeyLimits = KeyLimits()
    hash: str
    created_at: Timestamp
    expires_at: Timestamp | None = None
    revoked_at: Timestamp | None = None

    def matches(self, secret: str) -> bool:
        """Whether this is the key's secret; a constant-time comparison."""
        return hmac.compare_digest(self.hash, hash_secret(secret))

    def is_live(self, when: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or when < self.expires_at)

    @property
    def key_scope_hash(self) -> str:
        """Equal for all keys limited to the same lineages, which may use each other's blobs."""
        return hashlib.sha256(",".join(self.lineages or ()).encode()).hexdigest()[:32]

    def sees(self, lineage: str) -> bool:
        """Whether the key may know of this lineage."""
        return self.lineages is None or lineage in self.lineages


def hash_secret(secret: str) -> str:
    """The SHA-256 of a secret, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_key(
    name: str,
    scope: Scope,
    lineages: Sequence[str] | None = None,
    expires_at: datetime | None = None,
    limits: KeyLimits | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its token, which is not stored. Raises ValidationError for an invalid name."""
    identity, secret = secrets.token_hex(8), secrets.token_hex(24)
    key = ApiKey(
        id=identity,
        name=name,
        scope=scope,
        lineages=None if lineages is None else tuple(sorted(set(lineages))),
        limits=limits or KeyLimits(),
        hash=hash_secret(secret),
        created_at=now(),
        expires_at=expires_at,
    )
    return key, f"odem_{identity}_{secret}"


def split_token(token: str) -> tuple[str, str] | None:
    """A token's id and secret; None if it is malformed."""
    result = _TOKEN.fullmatch(token)
    return (result[1], result[2]) if result else None
