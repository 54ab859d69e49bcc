"""The ceilings below which the tasks' losses must stay along the path."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Barrier:
    """C_j(t) = (1 - t) L_j(θ₀) + t L_j(θ₁) + B(t), with B(t) = B_max (1 - t)^p.

    With `old_only` the last task has no ceiling (None) and the others' are L_j(θ₀) + B(t).
    Source: arXiv 2605.19409, §3.2, and its published code.
    """

    start: Sequence[float]
    end: Sequence[float]
    budget: float
    power: float
    old_only: bool = False

    def height(self, t: float) -> float:
        """Return B(t)."""
        return self.budget * float(max(1.0 - t, 0.0) ** self.power)

    def ceilings(self, t: float) -> list[float | None]:
        """Return C_j(t) for each task, None where it is not protected."""
        height = self.height(t)
        if self.old_only:
            return [*(loss + height for loss in self.start[:-1]), None]
        return [(1.0 - t) * a + t * b + height for a, b in zip(self.start, self.end, strict=True)]


def first_above(losses: Sequence[float], ceilings: Sequence[float | None]) -> int | None:
    """Return the first task whose loss is above its ceiling or not a number, or None."""
    for task, (loss, ceiling) in enumerate(zip(losses, ceilings, strict=False)):
        if not loss <= (float("inf") if ceiling is None else ceiling):
            return task
    return None
