"""Tasks whose losses are quadratic, L_j(θ) = ½ Σ a_j (θ - c_j)²: an objective without a network."""

from collections.abc import Callable

import torch
from torch import Tensor

from merging.ode.objective import Passes


class Quadratic:
    """Several quadratic losses at one point of float64, so that the integrators' errors stand above rounding."""

    def __init__(self, start: Tensor, curvatures: list[Tensor], centres: list[Tensor]) -> None:
        self.point, self.gradient = start.double().clone(), torch.zeros_like(start, dtype=torch.float64)
        self.curvatures, self.centres = curvatures, centres
        self.names = tuple(f"task-{number}" for number in range(len(centres)))
        self.passes = Passes()

    def loss(self, task: int) -> Tensor:
        return 0.5 * (self.curvatures[task] * (self.point - self.centres[task]) ** 2).sum()

    def add_gradient(self, task: int, weight: float, on_row: Callable[[], None] | None = None) -> Tensor:
        self.gradient += weight * self.curvatures[task] * (self.point - self.centres[task])
        self.passes.gradient_evaluations += 1 / len(self.names)
        if on_row is not None:
            on_row()
        return self.loss(task)

    def row(self, task: int) -> None:
        self.gradient.zero_()
        self.add_gradient(task, 1.0)

    def losses(self, at: Tensor) -> list[float]:
        """Return all losses at another point."""
        kept = self.point
        self.point = at
        values = [float(self.loss(task)) for task in range(len(self.names))]
        self.point = kept
        return values
