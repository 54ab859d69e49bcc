"""What a merge works with, and what it comes to."""

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

    removed: what is taken out of head, if the merge is a removal. scratch: a folder for files without a name. `report`
    shows progress; `stopping()` says that the merge should give up.
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

    def check(self) -> None:
        """Raises MergeCancelled when the merge should give up."""
        if self.stopping():
            raise MergeCancelled

    @property
    def earlier_tasks(self) -> tuple[Task, ...]:
        """The tasks of head, without the one that this merge brings (again)."""
        return tuple(task for task in self.parent.tasks if task.name != self.merge.task.name)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of the version to be made, the incoming one last."""
        if self.merge.removal:
            return self.earlier_tasks
        return (*self.earlier_tasks, self.merge.task)


@dataclass(frozen=True)
class Result:
    """What a method makes, not yet written.

    write(emit): emits the weights, every tensor of the base in its order and dtype, and with them the state's parts.
    parts: the tensors that each part of the state holds, in order; scalars: what else the state holds, after `write`.
    family: which methods can go on from this state; None where there is none.
    evaluate(read): scores the weights as they were written into the report; None where the report is complete.
    memory: the new calibration memory, or None when the parent's stays.
    """

    write: Callable[[Emit], None]
    memory: tuple[Sample, ...] | None
    report: dict[str, Any]
    family: str | None = None
    parts: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    scalars: Callable[[], dict[str, float]] = dict
    evaluate: Callable[[Callable[[str], Tensor]], None] | None = None


class MergeCancelled(Exception):
    """The merge was asked to stop, and has."""


class Rejected(Exception):
    """The merge's gate was not met. `report`: what was measured, the gate's verdict included."""

    def __init__(self, report: dict[str, Any]) -> None:
        super().__init__("The gate was not met.")
        self.report = report
