"""What server-sent events show. The field `type` says the same as the event's name."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, RootModel

from registry.event import Event, Present
from registry.merge import Merge, MergeProblem, MergeState, Progress


class StateEvent(BaseModel):
    """A merge's state: the one that it has, or a new one. `version` is the name of what it made."""

    type: Literal["state"] = "state"
    lineage: str
    merge: str
    state: MergeState
    attempt: int | None
    version: str | None
    problem: MergeProblem | None
    at: datetime

    @classmethod
    def of(cls, event: Event) -> Self:
        """The view of a change."""
        assert event.merge is not None  # noqa: S101  the scripts write both
        assert event.state is not None  # noqa: S101
        return cls(
            lineage=event.lineage,
            merge=event.merge,
            state=event.state,
            attempt=event.attempt,
            version=_name(event.lineage, event.version),
            problem=event.problem,
            at=event.position.at,
        )

    @classmethod
    def now(cls, merge: Merge) -> Self:
        """The view of a merge as it stands."""
        return cls(
            lineage=merge.lineage,
            merge=merge.id,
            state=merge.state,
            attempt=merge.attempt or None,
            version=_name(merge.lineage, merge.version),
            problem=merge.problem,
            at=merge.ended_at or merge.started_at or merge.created_at,
        )


class ProgressEvent(BaseModel):
    """How far a running merge is. Only the newest is sent, without an id: it is not sent again on resuming."""

    type: Literal["progress"] = "progress"
    lineage: str
    merge: str
    progress: Progress


class VersionEvent(BaseModel):
    """A version was made: by `merge`, or by a rollback from `origin`."""

    type: Literal["version"] = "version"
    lineage: str
    version: str
    merge: str | None
    origin: str | None
    at: datetime

    @classmethod
    def of(cls, event: Event) -> Self:
        """The view of a change."""
        return cls(
            lineage=event.lineage,
            version=f"{event.lineage}@{event.version}",
            merge=event.merge,
            origin=event.origin,
            at=event.position.at,
        )


class PresentEvent(BaseModel):
    """A lineage as it stands: its head and the merges that have not ended, the first ones of `waiting` in all."""

    type: Literal["present"] = "present"
    lineage: str
    head: str
    waiting: int
    merges: list[StateEvent]

    @classmethod
    def of(cls, present: Present) -> Self:
        """The view of a present."""
        return cls(
            lineage=present.lineage,
            head=f"{present.lineage}@{present.head}",
            waiting=present.waiting,
            merges=[StateEvent.now(merge) for merge in present.merges],
        )


class GapEvent(BaseModel):
    """Events after Last-Event-ID are no longer kept. The present state follows, and then what happens from now on."""

    type: Literal["gap"] = "gap"
    lineage: str
    detail: str = "Events that happened after this Last-Event-ID are no longer kept. The present state follows."


class MergeEvent(
    RootModel[Annotated[StateEvent | ProgressEvent | VersionEvent | GapEvent, Field(discriminator="type")]]
):
    """The data of an event of a merge."""


class LineageEvent(
    RootModel[
        Annotated[PresentEvent | StateEvent | ProgressEvent | VersionEvent | GapEvent, Field(discriminator="type")]
    ]
):
    """The data of an event of a lineage."""


def _name(lineage: str, number: int | None) -> str | None:
    return None if number is None else f"{lineage}@{number}"
