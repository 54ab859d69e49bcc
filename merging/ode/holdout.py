"""Holdout selection of the operating time: evaluates held-out calibration samples along the path."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from merging.ode.objective import TowerObjective
from merging.ode.task import TaskData


def split(task: TaskData, share: float, generator: torch.Generator) -> tuple[TaskData, TaskData]:
    """Split a task's samples at random into those for the path and a held-out `share`.

    Each part has at least one sample; Raises ValueError if the task has only one.
    """
    count = len(task.labels)
    if count < 2:
        raise ValueError(f"task {task.name} has one calibration sample; operating_time auto needs two or more")
    kept = min(count - 1, max(1, round(count * share)))
    order = torch.randperm(count, generator=generator).to(task.images.device)
    return task.subset(order[kept:].sort().values), task.subset(order[:kept].sort().values)


@dataclass(frozen=True)
class Verdict:
    """Weighted mean loss and accuracy of the held-out samples at a time."""

    t: float
    loss: float
    accuracy: float


class Holdout:
    """Evaluates the point after each step and keeps the parameters of the best one in host memory.

    The best has the smallest weighted mean of the tasks' held-out losses.
    """

    def __init__(self, held_out: TowerObjective, weights: Sequence[float]) -> None:
        self._held_out = held_out
        self._weights = [weight / sum(weights) for weight in weights]
        self.verdicts: list[Verdict] = []
        self.best: Verdict | None = None
        self._parameters: Tensor | None = None

    def look(self, t: float) -> None:
        """Evaluate the point that the path has reached at time `t`."""
        tasks = range(len(self._held_out.names))
        losses = [float(self._held_out.loss(task)) for task in tasks]
        accuracies = [self._held_out.accuracy(task) for task in tasks]
        loss = sum(w * x for w, x in zip(self._weights, losses, strict=True))
        verdict = Verdict(t, loss, sum(w * x for w, x in zip(self._weights, accuracies, strict=True)))
        self.verdicts.append(verdict)
        if self.best is None or loss < self.best.loss:
            self.best = verdict
            if self._parameters is None:
                self._parameters = torch.empty_like(self._held_out.point, device="cpu")
            self._parameters.copy_(self._held_out.point)

    def choose(self) -> str:
        """Restore the best parameters to the point, and return the reason for the choice."""
        if self.best is None or self._parameters is None:
            return "no time to choose from: the path made no step"
        self._held_out.point.copy_(self._parameters)
        count, first, last = len(self.verdicts), self.verdicts[0], self.verdicts[-1]
        return (
            f"of {count} times that the path passed, {self.best.t:.6g} has the smallest held-out loss, "
            f"{self.best.loss:.6g} ({first.loss:.6g} at {first.t:.6g}, {last.loss:.6g} at {last.t:.6g})"
        )
