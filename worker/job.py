"""What a merge works with, and what it comes to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from registry.blobs.store import BlobStore
from registry.lineage import Lineage
from registry.merge import Merge, Progress
from registry.task import Task
from registry.version import Version
from worker.memory import Sample
from worker.weights import Weights


@dataclass(frozen=True)
class Job:
    """One merge, its inputs open. `report` shows progress; `stopping()` says that the merge should give up."""

    lineage: Lineage
    parent: Version
    merge: Merge
    base: Weights
    head: Weights
    checkpoint: Weights
    blobs: BlobStore
    device: torch.device
    report: Callable[[Progress], None]
    stopping: Callable[[], bool]

    @property
    def earlier_tasks(self) -> tuple[Task, ...]:
        """The tasks of head, without the one that this merge brings (again)."""
        return tuple(task for task in self.parent.tasks if task.name != self.merge.task.name)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of the version to be made, the incoming one last."""
        return (*self.earlier_tasks, self.merge.task)


@dataclass(frozen=True)
class Result:
    """What a method made.

    tensor(name): the merged tensor in any floating dtype, or None where the base's own is kept.
    memory: the new calibration memory, or None when the parent's stays.
    """

    tensor: Callable[[str], Tensor | None]
    memory: tuple[Sample, ...] | None
    report: dict[str, Any]


class MergeCancelled(Exception):
    """The merge was asked to stop, and has."""
