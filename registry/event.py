"""Events: what happens in a lineage, in the order in which it happened."""

from datetime import UTC, datetime
from typing import Self

from pydantic import Field

from registry.base_record import Record
from registry.errors import InvalidRecord
from registry.merge import Merge, MergeProblem, MergeState, Progress


class Position(Record):
    """A place in a lineage's events: the id of a stream's entry, `milliseconds-sequence` of the store's clock.

    Source: https://redis.io/docs/latest/develop/data-types/streams/ (entry IDs).
    """

    milliseconds: int = Field(ge=0, lt=2**64)
    sequence: int = Field(ge=0, lt=2**64)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id. Raises InvalidRecord."""
        milliseconds, _, sequence = text.partition("-")
        if not all(part.isascii() and part.isdecimal() and len(part) <= 20 for part in (milliseconds, sequence)):
            raise InvalidRecord(f"{text[:60]!r} is no event's id: send the last `id` that came, or no Last-Event-ID.")
        return cls(milliseconds=min(int(milliseconds), 2**64 - 1), sequence=min(int(sequence), 2**64 - 1))

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"

    def __lt__(self, other: "Position") -> bool:
        return (self.milliseconds, self.sequence) < (other.milliseconds, other.sequence)

    @property
    def at(self) -> datetime:
        """When it was, by the store's clock; the last moment that there is for what no calendar reaches."""
        return datetime.fromtimestamp(min(self.milliseconds / 1000, 253_402_300_799), UTC)


class Event(Record):
    """One thing that happened.

    position: where it stands among the lineage's state changes, or apart from them among its progress: of that only the
    newest is kept, so nobody can go on from its position.
    merge and state: a merge's new state, with attempt while it runs and problem when it failed.
    version: the number of a version that was made, by `merge` or, when it repeats another one, from `origin`.
    """

    lineage: str
    position: Position
    merge: str | None = None
    state: MergeState | None = None
    attempt: int | None = None
    problem: MergeProblem | None = None
    version: int | None = None
    origin: str | None = None
    progress: Progress | None = None


class Reached(Record):
    """How far somebody has read a lineage's state changes and its progress."""

    changes: Position
    progress: Position

    def past(self, event: Event) -> "Reached":
        """The same after an event."""
        return self.model_copy(update={"changes" if event.progress is None else "progress": event.position})


class Present(Record):
    """A lineage as it stands at `position`.

    oldest: where the events that are kept begin, when older ones have been dropped.
    merges: those that have not ended, in order, at most as many as were asked for; waiting: how many there are in all.
    """

    lineage: str
    position: Position
    oldest: Position | None
    head: int
    merges: tuple[Merge, ...] = ()
    waiting: int = 0

    def reaches(self, position: Position) -> bool:
        """Whether every event after this position is still kept."""
        return not (self.position < position or (self.oldest is not None and position < self.oldest))
