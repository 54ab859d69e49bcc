"""Merges: the jobs that turn head + checkpoint into a version, and their states."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from registry.base_record import Name, Record, Text, Timestamp
from registry.blob import Digest
from registry.gate import Gate
from registry.recipe import Recipe
from registry.task import Task


class MergeState(StrEnum):
    """The state of a merge; the last four are terminal.

    queued -> running (claim); running -> succeeded (commit), rejected (its gate was not met), failed (fail),
    cancelled (cancel), or back to queued at its old position when its lease expires.
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether the merge has ended."""
        return self not in {MergeState.QUEUED, MergeState.RUNNING}


class MergeProblem(Record):
    """Why a merge failed. Source: RFC 9457."""

    type: str = Field(description="The problem type; stable.")
    title: str = Field(description="A short summary of the problem type.")
    detail: str = Field(description="What happened and what to do.")


class Progress(Record):
    """The progress of a running merge."""

    phase: str = Field(
        description="loading, merging (the path), weighing (its coefficients), refining, evaluating or writing."
    )
    step: int | None = Field(None, description="Step in this phase.")
    t: float | None = Field(None, description="Time on the path from head (0) to checkpoint (1).")
    T: float | None = Field(None, description="Operating time at which the path ends.")
    losses: dict[str, float | None] = Field(default_factory=dict, description="Newest loss of each task.")
    scale: float | None = Field(None, description="Scale of the newest step.")


class Merge(Record):
    """A merge: its request, then its state.

    removal: takes the task, which is in head, out of it; the checkpoint is the one that was merged for it last.
    joined: the version of another lineage whose tasks are added, such as `birds@3`; task is its newest, checkpoint its
    weights.
    recompute: computes the head's weights anew from its state by this recipe; task is its newest, checkpoint its
    weights.
    cancel_at: when it is cancelled unless it has ended.
    attempt: how often a worker has claimed it. fence: the number of the newest claim.
    version: the number of the version that it made. request_id: of the HTTP request, for logs.
    """

    id: str
    lineage: Name
    task: Task
    recipe: Recipe
    checkpoint: Digest
    removal: bool = Field(False, exclude_if=lambda removal: not removal)
    joined: str | None = Field(None, exclude_if=lambda joined: joined is None)
    recompute: bool = Field(False, exclude_if=lambda recompute: not recompute)
    calibration: Digest | None = None
    gate: Gate | None = None
    labels: Annotated[dict[Text, Text], Field(max_length=32)] = Field(default_factory=dict)
    request_id: str | None = None
    created_at: Timestamp
    cancel_at: Timestamp | None = None

    state: MergeState = MergeState.QUEUED
    attempt: int = 0
    fence: int = 0
    cancel_requested: bool = False
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    version: int | None = None
    progress: Progress | None = None
    problem: MergeProblem | None = None
    report: dict[str, Any] | None = None


class MergeSlice(Record):
    """Some of a lineage's merges, newest first. rest: the listing continues below this position; None at its end.

    A merge's position is its number in the order of the lineage's merges, from 1; it never changes.
    """

    merges: tuple[Merge, ...]
    rest: int | None = None


class Claim(Record):
    """A worker's claim on a merge: valid while `fence` is the lineage's newest and the lease is renewed."""

    merge: Merge
    fence: int
