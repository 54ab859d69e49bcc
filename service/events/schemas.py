"""Data of server-sent events. The field `type` repeats the name of the event."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, RootModel

from registry.event import Event, Present
from registry.merge import Merge, MergeProblem, MergeState, Progress


class StateEvent(BaseModel):
    """State of a merge: its present one at the start of a stream, then each new one."""

    type: Literal["state"] = Field("state", description="Name of the event.")
    lineage: str = Field(description="Lineage of the merge.")
    merge: str = Field(description="Id of the merge.")
    state: MergeState = Field(description="The state that the merge is in.")
    attempt: int | None = Field(description="Number of the attempt, from 1; null before the first.")
    version: str | None = Field(description="The version that the merge created; null unless it succeeded.")
    problem: MergeProblem | None = Field(description="Why the merge failed; null unless it did.")
    at: datetime = Field(description="When the merge entered the state.")

    @classmethod
    def from_event(cls, event: Event) -> Self:
        """The view of an event."""
        assert event.merge is not None  # noqa: S101  the scripts write both
        assert event.state is not None  # noqa: S101
        return cls(
            lineage=event.lineage,
            merge=event.merge,
            state=event.state,
            attempt=event.attempt,
            version=_reference(event.lineage, event.version),
            problem=event.problem,
            at=event.position.at,
        )

    @classmethod
    def now(cls, merge: Merge) -> Self:
        """The view of a merge in its present state."""
        return cls(
            lineage=merge.lineage,
            merge=merge.id,
            state=merge.state,
            attempt=merge.attempt or None,
            version=_reference(merge.lineage, merge.version),
            problem=merge.problem,
            at=merge.ended_at or merge.started_at or merge.created_at,
        )


class ProgressEvent(BaseModel):
    """Progress of a running merge. Only the newest is sent, without an id, so resuming clients do not get it again."""

    type: Literal["progress"] = Field("progress", description="Name of the event.")
    lineage: str = Field(description="Lineage of the merge.")
    merge: str = Field(description="Id of the merge.")
    progress: Progress = Field(description="How far the merge is.")


class VersionEvent(BaseModel):
    """A new version of a lineage, created by a merge or a rollback."""

    type: Literal["version"] = Field("version", description="Name of the event.")
    lineage: str = Field(description="Lineage of the version.")
    version: str = Field(description="Name of the version.")
    merge: str | None = Field(description="Id of the merge that created it; null for a rollback.")
    origin: str | None = Field(description="The version that a rollback or a new branch repeats; null for a merge.")
    at: datetime = Field(description="When the version was created.")

    @classmethod
    def from_event(cls, event: Event) -> Self:
        """The view of an event."""
        return cls(
            lineage=event.lineage,
            version=f"{event.lineage}@{event.version}",
            merge=event.merge,
            origin=event.origin,
            at=event.position.at,
        )


class PresentEvent(BaseModel):
    """Present state of a lineage, at the start of its stream."""

    type: Literal["present"] = Field("present", description="Name of the event.")
    lineage: str = Field(description="Name of the lineage.")
    head: str = Field(description="The newest version.")
    waiting: int = Field(description="Number of unfinished merges.")
    merges: list[StateEvent] = Field(description="The first unfinished merges, at most 100.")

    @classmethod
    def from_present(cls, present: Present) -> Self:
        """The view of a lineage."""
        return cls(
            lineage=present.lineage,
            head=f"{present.lineage}@{present.head}",
            waiting=present.waiting,
            merges=[StateEvent.now(merge) for merge in present.merges],
        )


class GapEvent(BaseModel):
    """Notice that the events after Last-Event-ID are no longer stored. The present state and new events follow."""

    type: Literal["gap"] = Field("gap", description="Name of the event.")
    lineage: str = Field(description="Name of the lineage.")
    detail: str = Field(
        "The events after this Last-Event-ID are no longer stored. The present state follows.",
        description="Explanation for people.",
    )


class MergeEvent(
    RootModel[Annotated[StateEvent | ProgressEvent | VersionEvent | GapEvent, Field(discriminator="type")]]
):
    """Data of an event of a merge."""


class LineageEvent(
    RootModel[
        Annotated[PresentEvent | StateEvent | ProgressEvent | VersionEvent | GapEvent, Field(discriminator="type")]
    ]
):
    """Data of an event of a lineage."""


def _reference(lineage: str, number: int | None) -> str | None:
    return None if number is None else f"{lineage}@{number}"
