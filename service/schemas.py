"""The wire: what requests say and what answers show."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from registry.alias import Alias
from registry.architecture import Architecture
from registry.base_record import Name, Text
from registry.blob import Digest
from registry.gate import Gate
from registry.lineage import Lineage
from registry.merge import Merge, MergeProblem, MergeState, Progress
from registry.recipe import Recipe
from registry.task import Task
from registry.upload import Upload
from registry.version import DEFAULT_LINEAGE, MethodState, Provenance, Version


class InvalidPlace(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="A path to it, such as `query.limit` or `body.version`.")
    what: str


class Problem(BaseModel):
    """An error. Source: RFC 9457."""

    type: str = Field(description="Which problem this is; stable.", examples=["/problems/tensor-mismatch"])
    title: str
    status: int
    detail: str = Field(description="What happened and what to do.")
    errors: list[InvalidPlace] = Field([], description="Of invalid-document: all that is wrong with the request.")
    differences: list[str] = Field([], description="Of tensor-mismatch: what differs from the lineage's base.")


_OF_A_FILE = "In a JSON body the blob, which was sent before; in a JSON part what the file that follows must hash to."


class MergeRequest(BaseModel):
    """The JSON part `merge` of POST /merge, or its whole JSON body when the blobs were sent before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lineage: Name = DEFAULT_LINEAGE
    task: Task
    recipe: dict[str, Any] | None = Field(None, description="Parameters that differ from the lineage's recipe.")
    gate: Gate | None = Field(None, description="Limits in place of the lineage's.")
    labels: Annotated[dict[Text, Text], Field(max_length=32)] = Field(default_factory=dict)
    checkpoint: Digest | None = Field(None, description=_OF_A_FILE)
    calibration: Digest | None = Field(None, description=_OF_A_FILE)


class BlobView(BaseModel):
    """A stored blob; size in bytes."""

    digest: Digest
    size: int


class UploadView(BaseModel):
    """A resumable upload; sizes in bytes. `digest` names the blob that it has become, null before."""

    id: str
    length: int
    offset: int
    digest: Digest | None
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """The view of a record."""
        fields = upload.model_dump(include={"id", "length", "offset", "created_at", "expires_at"})
        return cls(**fields, digest=upload.digest if upload.done else None)


class LineageView(BaseModel):
    """A lineage; `head` names its newest version."""

    name: str
    architecture: Architecture | None
    base: Digest
    recipe: Recipe
    gate: Gate | None
    calibration_budget: int
    base_utility: float
    origin: str | None = Field(description="The version that the lineage branched off from.")
    created_at: datetime
    head: str

    @classmethod
    def of(cls, lineage: Lineage, head: int) -> Self:
        """The view of a record."""
        return cls(**dict(lineage), head=f"{lineage.name}@{head}")


class LineagePage(BaseModel):
    """Lineages, by name. `next` is the next page's cursor, null on the last."""

    lineages: list[LineageView]
    next: str | None


class AliasTarget(BaseModel):
    """Which version an alias is to name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(description="A number, `latest` or another alias of the same lineage.", examples=["3"])


class AliasView(BaseModel):
    """An alias and the full name of its version."""

    name: str
    version: str
    updated_at: datetime

    @classmethod
    def of(cls, alias: Alias) -> Self:
        """The view of a record."""
        return cls(name=alias.name, version=f"{alias.lineage}@{alias.version}", updated_at=alias.updated_at)


class AliasPage(BaseModel):
    """A lineage's aliases, by name. `next` is the next page's cursor, null on the last."""

    aliases: list[AliasView]
    next: str | None


class RollbackRequest(AliasTarget):
    """Which version to go back to."""


class BranchRequest(AliasTarget):
    """The new lineage's name, and the version that it starts from."""

    name: Name
    version: str = Field("latest", description="A number, `latest` or an alias of the old lineage.")


class RetentionView(BaseModel):
    """A lineage's retention rule: null keeps everything. `would_retire` and `retired` are numbers of versions."""

    keep_last: int | None
    pins: list[int]
    would_retire: list[int]
    retired: list[int] = []


class VersionView(BaseModel):
    """A version; its weights and its open_clip config lie behind the two URLs."""

    reference: str
    lineage: str
    number: int
    weights: Digest
    size: int
    tasks: list[Task]
    memory: Digest | None
    state: MethodState | None
    provenance: Provenance | None
    report: dict[str, Any] | None = None
    origin: str | None = Field(description="The version that this one repeats: a rollback, or a branch's first.")
    created_at: datetime
    retired_at: datetime | None = Field(description="When retention gave it up; its weights may be gone since.")
    weights_url: str
    config_url: str | None

    @classmethod
    def of(cls, version: Version, *, has_config: bool, with_report: bool = True) -> Self:
        """The view of a record."""
        url = f"/models/{version.reference}"
        # The records within are taken as they are: dumping and checking them anew took most of a listing's time.
        return cls.model_validate(
            vars(version)
            | {
                "reference": version.reference,
                "report": version.report if with_report else None,
                "weights_url": f"{url}/weights",
                "config_url": f"{url}/open_clip_config.json" if has_config else None,
            }
        )


class VersionPage(BaseModel):
    """Versions, newest first, without their reports. `next` is the next page's cursor, null on the last."""

    versions: list[VersionView]
    next: str | None


class MergeView(BaseModel):
    """A merge and how it stands. `version` is the name of what it made."""

    id: str
    lineage: str
    state: MergeState
    task: Task
    recipe: Recipe
    checkpoint: Digest
    calibration: Digest | None
    gate: Gate | None
    labels: dict[str, str]
    attempt: int
    cancel_requested: bool
    created_at: datetime
    cancel_at: datetime | None = Field(description="When it is cancelled unless it has ended (Cancel-After).")
    started_at: datetime | None
    ended_at: datetime | None
    version: str | None
    progress: Progress | None
    problem: MergeProblem | None
    report: dict[str, Any] | None = None

    @classmethod
    def of(cls, merge: Merge, *, with_report: bool = True) -> Self:
        """The view of a record."""
        version = None if merge.version is None else f"{merge.lineage}@{merge.version}"
        return cls.model_validate(vars(merge) | {"version": version, "report": merge.report if with_report else None})


class MergePage(BaseModel):
    """Merges of a lineage, newest first, without their reports. `next` is the next page's cursor, null on the last."""

    merges: list[MergeView]
    next: str | None


class Health(BaseModel):
    """`ok` when the process runs (healthz) or can do its work (readyz)."""

    status: str
