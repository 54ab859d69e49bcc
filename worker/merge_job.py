"""Input and result types of merge methods."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merging.streaming import Emit
from registry.blobs.store import BlobStore
from registry.history import Contribution
from registry.lineage import Lineage
from registry.merge import Merge, Progress
from registry.task import Task
from registry.version import Version
from worker.calibration_memory import Sample
from worker.safetensors_writer import Entry
from worker.torch_tensors import Weights


@dataclass(frozen=True)
class Job:
    """One merge, its inputs open.

    removed: contributions to subtract from head, if the merge is a removal. joined: the version whose state is added,
    if it is a join. scratch: a folder for unnamed temporary files. `report` publishes progress; `stopping()` is true
    when the merge should stop.
    """

    lineage: Lineage
    parent: Version
    merge: Merge
    base: Weights
    head: Weights
    checkpoint: Weights
    blobs: BlobStore
    scratch: Path
    device: torch.device
    report: Callable[[Progress], None]
    stopping: Callable[[], bool]
    removed: tuple[tuple[Weights, Contribution], ...] = ()
    joined: Version | None = None

    def check(self) -> None:
        """Raise MergeCancelled when the merge should stop."""
        if self.stopping():
            raise MergeCancelled

    @property
    def earlier_tasks(self) -> tuple[Task, ...]:
        """The tasks of head, without the one that this merge adds or replaces."""
        if self.merge.recompute:
            return self.parent.tasks
        return tuple(task for task in self.parent.tasks if task.name != self.merge.task.name)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of the new version, the incoming ones last."""
        if self.merge.removal or self.merge.recompute:
            return self.earlier_tasks
        if self.joined is not None:
            return (*self.earlier_tasks, *self.joined.tasks)
        return (*self.earlier_tasks, self.merge.task)


@dataclass(frozen=True)
class Result:
    """The result of a merge method, not yet written.

    write(emit): emits the weights, every tensor of the base in its order and dtype, and the parts of the state.
    parts: the tensors of each part of the state, in order. scalars: the state's other values, available after `write`.
    family: the methods that can continue from this state; None without a state.
    evaluate(read): adds the scores of the written weights to the report; None if the report is complete.
    memory: the new calibration memory, or None to keep the parent's.
    """

    write: Callable[[Emit], None]
    memory: tuple[Sample, ...] | None
    report: dict[str, Any]
    family: str | None = None
    parts: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    scalars: Callable[[], dict[str, float]] = dict
    evaluate: Callable[[Callable[[str], Tensor]], None] | None = None


class MergeCancelled(Exception):
    """The merge stopped because a cancel was requested or its lease was lost."""


class Rejected(Exception):
    """The merge did not pass its gate. `report`: the measurements and the gate's verdict."""

    def __init__(self, report: dict[str, Any]) -> None:
        super().__init__("The merge did not pass its gate.")
        self.report = report
