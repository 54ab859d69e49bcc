"""Diff of two versions: their weights, tasks and scores."""

from typing import Any, Self

from pydantic import BaseModel, Field

from registry.errors import VersionRetired
from registry.safetensors_header import Header
from registry.version import Version, VersionReference
from service.auth.scoped_stores import Stores
from service.models.tensor_diff import Change, Comparison, TensorDiffer, compare_files
from service.settings import GatewaySettings
from service.uploads.stored_headers import stored_header


class ChangeView(BaseModel):
    """Distance between a and b; null where a measure is undefined."""

    l2: float | None = Field(description="Euclidean norm ‖b − a‖.")
    relative: float | None = Field(description="Relative norm ‖b − a‖ / ‖a‖.")
    max_abs: float | None = Field(description="Largest absolute difference |b − a|.")
    cosine: float | None = Field(description="Cosine of the angle between a and b.")
    not_finite: int = Field(description="Number of elements that are not finite in a or b; the measures ignore them.")

    @classmethod
    def from_change(cls, change: Change) -> Self:
        """The view of a change."""
        return cls.model_validate(change.measures)


class TensorShape(BaseModel):
    """Dtype and shape of a tensor."""

    dtype: str = Field(description="Dtype, as in the safetensors format.", examples=["BF16"])
    shape: list[int] = Field(description="Size of each dimension.")


class TensorDiff(BaseModel):
    """A tensor that differs between the versions."""

    name: str = Field(description="Name of the tensor.")
    a: TensorShape | None = Field(description="The tensor in a; null if b adds it.")
    b: TensorShape | None = Field(description="The tensor in b; null if b removes it.")
    change: ChangeView | None = Field(description="How far b is from a; null if the shapes differ.")


class Scores(BaseModel):
    """Scores of a task in a version, as its merge measured them."""

    utility: float = Field(description="Utility (importance) of the task.")
    loss: float | None = Field(description="Loss after the merge; null if it was not measured.")
    accuracy: float | None = Field(description="Accuracy after the merge; null if it was not measured.")


class TaskDiff(BaseModel):
    """A task of either version."""

    name: str = Field(description="Name of the task.")
    a: Scores | None = Field(description="Scores in a; null if a does not have the task.")
    b: Scores | None = Field(description="Scores in b; null if b does not have the task.")


class DiffView(BaseModel):
    """Differences between two versions."""

    a: str = Field(description="Full name of the first version.", examples=["default@2"])
    b: str = Field(description="Full name of the second version.", examples=["default@3"])
    total: ChangeView = Field(description="Change over all tensors that both have in the same shape, as one vector.")
    tensors: list[TensorDiff] = Field(description="Tensors that differ.")
    unchanged: int = Field(description="Number of tensors that do not differ.")
    tasks: list[TaskDiff] = Field(description="Tasks of both versions.")


def diff(stores: Stores, settings: GatewaySettings, differ: TensorDiffer, first: str, second: str) -> DiffView:
    """Compare two versions. Blocks for as long as it takes to read both files.

    Raises VersionNotFound, VersionRetired, Overloaded.
    """
    a, b = (_find(stores, reference) for reference in (first, second))
    paths = [stores.blobs.path(version.weights) for version in (a, b)]
    headers = [stored_header(stores.blobs, version.weights, settings) for version in (a, b)]

    def make() -> Comparison:
        return compare_files((paths[0], headers[0]), (paths[1], headers[1]))

    comparison = differ.compare((a.weights, b.weights), make, stores.caller)
    return DiffView(
        a=a.reference,
        b=b.reference,
        total=ChangeView.from_change(comparison.total),
        tensors=_tensors(headers[0], headers[1], comparison),
        unchanged=comparison.unchanged,
        tasks=_tasks(a, b),
    )


def _find(stores: Stores, reference: str) -> Version:
    version = stores.versions.get(VersionReference.parse(reference))
    if version.retired_at is not None:
        raise VersionRetired(version.reference)
    return version


def _tensors(a: Header, b: Header, comparison: Comparison) -> list[TensorDiff]:
    names = [*a.tensors, *(name for name in b.tensors if name not in a.tensors)]
    return [
        TensorDiff(
            name=name,
            a=_shape(a, name),
            b=_shape(b, name),
            change=ChangeView.from_change(comparison.changed[name]) if name in comparison.changed else None,
        )
        for name in names
        if name in comparison.changed or _shape(a, name) != _shape(b, name)
    ]


def _shape(header: Header, name: str) -> TensorShape | None:
    tensor = header.tensors.get(name)
    return None if tensor is None else TensorShape(dtype=tensor.dtype, shape=list(tensor.shape))


def _tasks(a: Version, b: Version) -> list[TaskDiff]:
    sides = [{task.name: _scores(version, task.name, task.utility) for task in version.tasks} for version in (a, b)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    return [TaskDiff(name=name, a=sides[0].get(name), b=sides[1].get(name)) for name in names]


def _scores(version: Version, task: str, utility: float) -> Scores:
    tasks: Any = (version.report or {}).get("tasks")
    measured = tasks.get(task) if isinstance(tasks, dict) else None
    after = measured.get("after") if isinstance(measured, dict) else None
    result: dict[str, Any] = after if isinstance(after, dict) else {}
    return Scores(utility=utility, loss=result.get("loss"), accuracy=result.get("accuracy"))
