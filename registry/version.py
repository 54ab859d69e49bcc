"""Versions: the immutable, numbered results of a lineage."""

import re
from typing import Any

from pydantic import Field

from registry.base_record import Name, Record, Timestamp
from registry.blob import Digest
from registry.errors import VersionNotFound
from registry.recipe import Recipe
from registry.task import Task

DEFAULT_LINEAGE = "default"
LATEST = "latest"
_REFERENCE = re.compile(r"^(?:(?P<lineage>[a-z0-9][a-z0-9._-]{0,63})@)?(?P<version>[a-z0-9][a-z0-9._-]{0,63})$")


class Provenance(Record):
    """Everything that a version was made from, sufficient to make it again.

    The same parent, checkpoint, calibration, recipe and seed on the same device and library versions give the same
    bytes.
    """

    parent: int = Field(description="Number of the version that was the head.")
    merge: str = Field(description="ID of the merge.")
    checkpoint: Digest = Field(description="Digest of the checkpoint.")
    removed: str | None = Field(
        None,
        exclude_if=lambda removed: removed is None,
        description="The task that was taken out, if the version was made so.",
    )
    joined: str | None = Field(
        None,
        exclude_if=lambda joined: joined is None,
        description="Version of another lineage whose state was added, if the version was made so; empty for a caller "
        "who may not see that lineage.",
    )
    recomputed: bool = Field(
        False,
        exclude_if=lambda recomputed: not recomputed,
        description="Whether the parent's state was merged anew by this recipe, without a checkpoint.",
    )
    calibration: Digest | None = Field(None, description="Digest of the calibration sample.")
    recipe: Recipe = Field(description="The recipe in full.")
    code: str = Field(description="Release of odem.")
    commit: str | None = Field(
        None,
        exclude_if=lambda commit: commit is None,
        description="Commit of the code; absent in versions made before 0.2.0.",
    )
    libraries: dict[str, str] = Field(description="Versions of the libraries that computed it, by name.")
    device: str = Field(description="Device that computed it.")


class MethodState(Record):
    """What a data-free method needs to know about earlier tasks besides the weights; of constant size."""

    family: Name = Field(description="Methods that can continue from it, such as `ties`.")
    scalars: dict[str, float] = Field(default_factory=dict, description="Numbers by name.")
    parts: dict[str, Digest] = Field(
        default_factory=dict,
        description="Digests of safetensors blobs by name. Each has a tensor of the weights' name and shape for every "
        "merged tensor.",
    )


class Version(Record):
    """Version `number` of a lineage; version 0 is the base.

    weights: a safetensors blob with every tensor of the base. size: its bytes.
    memory: the calibration memory's safetensors blob, absent if no merge has needed one.
    state: what its method needs to continue, absent if weights and tasks suffice.
    tasks: those merged so far, in order of arrival.
    report: what the merge measured (see `docs/reference/api.md`).
    origin: the version that a rollback or a branch's first version repeats, such as `default@2`.
    retired_at: when a retention rule retired it; its weights may be deleted since.
    """

    lineage: Name
    number: int
    weights: Digest
    size: int
    memory: Digest | None = None
    state: MethodState | None = None
    tasks: tuple[Task, ...] = ()
    provenance: Provenance | None = None
    report: dict[str, Any] | None = None
    origin: str | None = None
    created_at: Timestamp
    retired_at: Timestamp | None = None

    @property
    def reference(self) -> str:
        """The version's full name, such as `default@3`."""
        return f"{self.lineage}@{self.number}"

    @property
    def blobs(self) -> tuple[str, ...]:
        """The digests of all blobs that the version needs."""
        parts = self.state.parts.values() if self.state is not None else ()
        return (self.weights, *((self.memory,) if self.memory is not None else ()), *parts)


class VersionReference(Record):
    """A reference to a version: `name@3`, `name@latest`, `name@alias`; without `name@`, of `default`."""

    lineage: str
    version: str

    @classmethod
    def parse(cls, text: str) -> "VersionReference":
        """Parse a reference. Raises VersionNotFound if it is malformed."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise VersionNotFound(text)
        return cls(lineage=match["lineage"] or DEFAULT_LINEAGE, version=match["version"])

    def __str__(self) -> str:
        return f"{self.lineage}@{self.version}"
