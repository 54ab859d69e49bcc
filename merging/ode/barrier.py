"""The ceilings below which the tasks' losses must stay along the path."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Barrier:
    """C_j(t) = (1 - t) L_j(θ₀) + t L_j(θ₁) + B(t), with B(t) = B_max (1 - t)^p.

    `start` holds L_j(θ₀), or is None until the path's first pass over the tasks has measured them; `end` L_j(θ₁).
    With `old_only` the last task has no ceiling (None) and the others' are L_j(θ₀) + B(t).
    Source: arXiv 2605.19409, §3.2, and its published code.
    """

    start: Sequence[float] | None
    end: Sequence[float]
    budget: float
    power: float
    old_only: bool = False

    def height(self, t: float) -> float:
        """Return B(t)."""
        return self.budget * float(max(1.0 - t, 0.0) ** self.power)

    def rising_from(self, start: Sequence[float]) -> Self:
        """Return the barrier with its start measured."""
        return replace(self, start=tuple(start))

    def ceiling(self, task: int, t: float, loss: float) -> float | None:
        """Return C_task(t), None where the task is not protected.

        `loss` is the task's at the present point, which is θ₀ as long as the start is not measured.
        """
        start, height = loss if self.start is None else self.start[task], self.height(t)
        if self.old_only:
            return start + height if task < len(self.end) - 1 else None
        return (1.0 - t) * start + t * self.end[task] + height

    def ceilings(self, t: float) -> list[float | None]:
        """Return C_j(t) for each task, None where it is not protected. The start must be measured."""
        assert self.start is not None  # noqa: S101  # the path measures it first
        return [self.ceiling(task, t, loss) for task, loss in enumerate(self.start)]


def first_above(losses: Sequence[float], ceilings: Sequence[float | None]) -> int | None:
    """Return the first task whose loss is above its ceiling or not a number, or None."""
    for task, (loss, ceiling) in enumerate(zip(losses, ceilings, strict=False)):
        if not loss <= (float("inf") if ceiling is None else ceiling):
            return task
    return None
