"""Events of a lineage and positions in its event stream."""

from datetime import UTC, datetime
from typing import Self

from pydantic import Field

from registry.base_record import Record
from registry.errors import InvalidRecord
from registry.merge import Merge, MergeProblem, MergeState, Progress


class Position(Record):
    """A position in a lineage's events: the id of a stream entry, `milliseconds-sequence` of the store's clock.

    Source: https://redis.io/docs/latest/develop/data-types/streams/ (entry IDs).
    """

    milliseconds: int = Field(ge=0, lt=2**64)
    sequence: int = Field(ge=0, lt=2**64)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id. Raises InvalidRecord."""
        milliseconds, _, sequence = text.partition("-")
        if not all(part.isascii() and part.isdecimal() and len(part) <= 20 for part in (milliseconds, sequence)):
            raise InvalidRecord(f"{text[:60]!r} is not an event id: send the last `id` received, or no Last-Event-ID.")
        return cls(milliseconds=min(int(milliseconds), 2**64 - 1), sequence=min(int(sequence), 2**64 - 1))

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"

    def __lt__(self, other: "Position") -> bool:
        return (self.milliseconds, self.sequence) < (other.milliseconds, other.sequence)

    @property
    def at(self) -> datetime:
        """The time by the store's clock, at most the end of the year 9999."""
        return datetime.fromtimestamp(min(self.milliseconds / 1000, 253_402_300_799), UTC)


class Event(Record):
    """One event.

    position: in the lineage's stream of state changes, or in its stream of progress, of which only the newest entry is
    kept, so that nobody can resume from it.
    merge and state: a merge's new state, with attempt while it runs and problem if it failed.
    version: the number of a new version, made by `merge` or, as a repetition, from `origin`.
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
    """Positions up to which a reader has read a lineage's state changes and progress."""

    changes: Position
    progress: Position

    def past(self, event: Event) -> "Reached":
        """The positions after an event."""
        return self.model_copy(update={"changes" if event.progress is None else "progress": event.position})


class Present(Record):
    """A snapshot of a lineage at `position`.

    oldest: the first position that is kept, if older ones have been dropped.
    merges: the first unfinished merges, in order, up to the requested limit; waiting: how many there are in total.
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
