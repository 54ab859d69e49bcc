"""Base class of all records: frozen, without unknown fields, to and from JSON."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints


class Record(BaseModel):
    """An immutable record; `model_copy(update=...)` makes a changed copy."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(UTC)


def _printable(value: str) -> str:
    if not value.isprintable():
        message = "control characters are not allowed"
        raise ValueError(message)
    return value


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""A lineage's or an alias's name: lower-case letters, digits, `.`, `_`, `-`; at most 64 characters."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=512), AfterValidator(_printable)]
"""A line of printable text: class names, templates, labels."""

Timestamp = AwareDatetime
