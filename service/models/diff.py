"""Two versions side by side: their weights, tasks and scores."""

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
    """How far b is from a; null where a measure is not defined."""

    l2: float | None = Field(description="‖b − a‖")
    relative: float | None = Field(description="‖b − a‖ / ‖a‖")
    max_abs: float | None = Field(description="the largest |b − a|")
    cosine: float | None = Field(description="the cosine of the angle between a and b")
    not_finite: int = Field(description="elements that are not finite in a or b; the measures leave them out")

    @classmethod
    def of(cls, change: Change) -> Self:
        """The view of a change."""
        return cls.model_validate(change.measures)


class TensorShape(BaseModel):
    """A tensor as a header tells it."""

    dtype: str
    shape: list[int]


class TensorDiff(BaseModel):
    """A tensor that is not the same in both. Missing in a: added; in b: removed. No change: another shape."""

    name: str
    a: TensorShape | None
    b: TensorShape | None
    change: ChangeView | None


class Scores(BaseModel):
    """What a version's report says of a task after its merge; null where nothing was measured."""

    utility: float
    loss: float | None
    accuracy: float | None


class TaskDiff(BaseModel):
    """A task of either version."""

    name: str
    a: Scores | None
    b: Scores | None


class DiffView(BaseModel):
    """What differs between two versions. tensors: those that are not the same; unchanged: how many are."""

    a: str
    b: str
    total: ChangeView = Field(description="Of all tensors that both have in one shape, as one vector.")
    tensors: list[TensorDiff]
    unchanged: int
    tasks: list[TaskDiff]


def diff(stores: Stores, settings: GatewaySettings, differ: TensorDiffer, first: str, second: str) -> DiffView:
    """Compare two versions. Takes long for large ones, so not for the event loop.

    Raises VersionNotFound, VersionRetired, Overloaded.
    """
    a, b = (_find(stores, word) for word in (first, second))
    paths = [stores.blobs.path(version.weights) for version in (a, b)]
    headers = [stored_header(stores.blobs, version.weights, settings) for version in (a, b)]

    def make() -> Comparison:
        return compare_files((paths[0], headers[0]), (paths[1], headers[1]))

    found = differ.compare((a.weights, b.weights), make)
    return DiffView(
        a=a.reference,
        b=b.reference,
        total=ChangeView.of(found.total),
        tensors=_tensors(headers[0], headers[1], found),
        unchanged=found.unchanged,
        tasks=_tasks(a, b),
    )


def _find(stores: Stores, word: str) -> Version:
    version = stores.versions.get(VersionReference.parse(word))
    if version.retired_at is not None:
        raise VersionRetired(version.reference)
    return version


def _tensors(a: Header, b: Header, found: Comparison) -> list[TensorDiff]:
    names = [*a.tensors, *(name for name in b.tensors if name not in a.tensors)]
    return [
        TensorDiff(
            name=name,
            a=_shape(a, name),
            b=_shape(b, name),
            change=ChangeView.of(found.changed[name]) if name in found.changed else None,
        )
        for name in names
        if name in found.changed or _shape(a, name) != _shape(b, name)
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
    found: dict[str, Any] = after if isinstance(after, dict) else {}
    return Scores(utility=utility, loss=found.get("loss"), accuracy=found.get("accuracy"))
