"""Form A: one gradient of the calibration loss over all tasks bends the flow.

v = u - max(0, (g·u - b) / ‖g‖²) g, with b = (C(t + h) - L(θ)) / h.
Source: arXiv 2605.19409, §3.2.
"""

from collections.abc import Sequence

from torch import Tensor

from merging.ode.barrier import Barrier
from merging.ode.objective import Objective
from merging.ode.parameter_buffer import add_difference_, gram_values
from merging.ode.rectifier import LEAST_REMAINDER, Bend


class Aggregate:
    """Form A. The gradient's buffer accumulates all tasks' gradients and becomes the velocity, without another buffer.

    A weight of 0 leaves a task out of the loss that the barrier holds. The bend is reported as that of task -1.
    """

    guarded, straight = False, False

    def __init__(self, objective: Objective, target: Tensor, weights: Sequence[float]) -> None:
        self._objective, self._target = objective, target
        self._weights = [weight / sum(weights) for weight in weights]
        self.direction = objective.gradient
        self.order: Sequence[int] = range(len(weights))

    def begin(self, t: float, barrier: Barrier) -> None:  # noqa: ARG002
        """Start at the objective's present point."""
        self.direction.zero_()

    def take(self, task: int) -> Tensor:
        """Add the task's weighted gradient."""
        if self._weights[task] == 0.0:
            return self._objective.loss(task)
        return self._objective.add_gradient(task, self._weights[task])

    def complete(self, spare: Tensor) -> None:
        """Do nothing."""

    def velocity(self, t: float, h: float, losses: Sequence[float], barrier: Barrier) -> Bend:
        """Write the velocity to `direction`, overwriting the gradient."""
        remainder = max(1.0 - t, LEAST_REMAINDER)
        products = gram_values([self.direction], self._target, self._objective.point)
        square, slope = float(products[0, 0]), float(products[0, 1]) / remainder
        ceiling = sum(w * (c or 0.0) for w, c in zip(self._weights, barrier.ceilings(t + h), strict=True))
        loss = sum(w * x for w, x in zip(self._weights, losses, strict=True) if w)
        bound = (ceiling - loss) / h
        multiplier = max(0.0, (slope - bound) / square) if square > 0 else 0.0
        self.direction.mul_(-multiplier)
        add_difference_(self.direction, self._target, self._objective.point, 1 / remainder)
        flow_speed = float(products[1, 1]) ** 0.5 / remainder
        feasible = square > 0 or slope <= bound
        return Bend(flow_speed, 0.0, {-1: bound}, {-1: multiplier}, [[square]], feasible)
