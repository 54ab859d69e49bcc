"""Schemas of POST /merge and of merges."""

import json
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from registry.base_record import Name, Text
from registry.blob import Digest
from registry.errors import InvalidRecord
from registry.gate import Gate
from registry.merge import Merge, MergeProblem, MergeState, Progress
from registry.recipe import Recipe, describe
from registry.task import Task
from registry.version import DEFAULT_LINEAGE

_FILE = "JSON body: a blob uploaded before. JSON part: the digest that the part with the file must have."


class MergeRequest(BaseModel):
    """The JSON part `merge` of POST /merge, or its JSON body when the blobs were uploaded before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lineage: Name = Field(DEFAULT_LINEAGE, description="The lineage to merge into.")
    task: Task = Field(description="What the checkpoint was fine-tuned for.")
    recipe: dict[str, Any] | None = Field(None, description="Parameters that override the lineage's recipe.")
    gate: Gate | None = Field(None, description="Quality gate in place of the lineage's.")
    labels: Annotated[dict[Text, Text], Field(max_length=32)] = Field(
        default_factory=dict, description="Labels of your own, shown with the merge.", examples=[{"run": "exp-42"}]
    )
    checkpoint: Digest | None = Field(None, description=_FILE)
    calibration: Digest | None = Field(None, description=_FILE)

    @classmethod
    def parse(cls, document: bytes) -> Self:
        """The request in a JSON document. Raises InvalidRecord."""
        try:
            return cls.model_validate_json(document)
        except ValidationError as error:
            raise InvalidRecord(f"The merge document is invalid: {describe(error)}") from error


class RemovalRequest(BaseModel):
    """A task to take out of a lineage's head."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    checkpoint: Digest | None = Field(
        None,
        description="Digest that the task's checkpoint must have. The checkpoint must be stored: upload it again with "
        "POST /blobs if it is not.",
    )


class JoinRequest(BaseModel):
    """The version whose tasks are added to a lineage's head."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lineage: Name = Field(description="The other lineage, of the same base; no task may be in both.")
    version: str = Field("latest", description="A number, `latest` or an alias of the other lineage.")


class RecomputationRequest(BaseModel):
    """The recipe that computes the head's weights anew."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: dict[str, Any] = Field(
        description="Parameters that override the lineage's recipe.", examples=[{"method": "swudi"}]
    )


class MergeQuery(BaseModel):
    """The query of POST /merge with a raw body; the body is the checkpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str | None = Field(None, description="Raw body only, required: name of the task.")
    lineage: str | None = Field(None, description="Raw body only: the lineage to merge into.")
    method: str | None = Field(None, description="Raw body only: method of the recipe.")
    utility: float | None = Field(None, description="Raw body only: importance of the task.")
    calibration: str | None = Field(None, description="Raw body only: digest of a calibration blob uploaded before.")
    classname: list[str] = Field([], description="Raw body only: class names, in order.")
    template: list[str] = Field([], description="Raw body only: prompt templates.")
    label: list[str] = Field([], description="Raw body only: labels, each `key:value`.")

    def request(self) -> MergeRequest:
        """The merge request that the query stands for. Raises InvalidRecord."""
        if self.task is None:
            raise InvalidRecord("The query of a raw checkpoint must name its task: POST /merge?task=NAME&lineage=...")
        task = {"name": self.task, "classnames": self.classname, "templates": self.template, "utility": self.utility}
        document = {
            "lineage": self.lineage,
            "task": {name: value for name, value in task.items() if value not in (None, [])},
            "recipe": self.method and {"method": self.method},
            "calibration": self.calibration,
            "labels": dict(map(_label, self.label)),
        }
        given = {name: value for name, value in document.items() if value is not None}
        return MergeRequest.parse(json.dumps(given).encode())


def _label(text: str) -> tuple[str, str]:
    key, colon, value = text.partition(":")
    if not colon:
        raise InvalidRecord(f"Invalid label {text[:50]!r} in the query: send key:value.")
    return key, value


class MergeView(BaseModel):
    """A merge and its state."""

    id: str = Field(description="ID of the merge.", examples=["mrg_5f0c6d7a1b2c3d4e5f607182"])
    lineage: str = Field(description="The lineage that is merged into.")
    state: MergeState = Field(description="State of the merge; terminal: succeeded, rejected, failed, cancelled.")
    task: Task = Field(description="What the checkpoint was fine-tuned for.")
    recipe: Recipe = Field(description="The recipe in full: the request's on top of the lineage's.")
    checkpoint: Digest = Field(description="Digest of the checkpoint.")
    removal: bool = Field(description="Whether the merge takes the task out of the head instead.")
    join: bool = Field(
        description="Whether the merge adds another lineage's version instead; task is the newest that it brings, "
        "checkpoint its weights."
    )
    recompute: bool = Field(
        description="Whether the merge computes the head anew from its state instead; task is the newest, checkpoint "
        "the head's weights."
    )
    calibration: Digest | None = Field(description="Digest of the calibration sample.")
    gate: Gate | None = Field(description="Quality gate that the result must pass.")
    labels: dict[str, str] = Field(description="Labels of the request.")
    attempt: int = Field(description="How many workers have started the merge; 0 while it waits for the first.")
    cancel_requested: bool = Field(description="Whether the running merge is to stop at its next step.")
    created_at: datetime = Field(description="When the merge was queued.")
    cancel_at: datetime | None = Field(description="When the merge is cancelled unless it has ended (Cancel-After).")
    started_at: datetime | None = Field(description="When the newest attempt started.")
    ended_at: datetime | None = Field(description="When the merge ended.")
    version: str | None = Field(description="The version that the merge created.", examples=["default@3"])
    progress: Progress | None = Field(description="Progress of a running merge.")
    problem: MergeProblem | None = Field(description="Why a merge failed or was rejected.")
    report: dict[str, Any] | None = Field(
        None, description="Measurements: losses and accuracies by task before and after, timings, memory, warnings."
    )

    @classmethod
    def from_merge(cls, merge: Merge, *, with_report: bool = True) -> Self:
        """The view of a record."""
        version = None if merge.version is None else f"{merge.lineage}@{merge.version}"
        report = merge.report if with_report else None
        shown = {"version": version, "report": report, "join": merge.joined is not None}
        return cls.model_validate(vars(merge) | shown)


class MergePage(BaseModel):
    """Merges of a lineage, newest first, without their reports."""

    merges: list[MergeView] = Field(description="The merges on this page.")
    next: str | None = Field(description="Cursor of the next page, null on the last.")
