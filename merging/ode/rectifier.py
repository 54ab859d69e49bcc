"""Rectifier interface: turns the tasks' gradients at a point into the velocity of the path.

The field without rectification is u(θ, t) = (θ₁ - θ) / (1 - t). Source: arXiv 2605.19409, §3.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from merging.ode.barrier import Barrier
from merging.ode.objective import Objective
from merging.ode.parameter_buffer import add_difference_, gram

LEAST_REMAINDER = 1e-8


@dataclass(frozen=True)
class Bend:
    """How a velocity was bent: the constraining tasks, their bounds, and whether all constraints were met.

    `flow_speed` is ‖u‖; `eta` the size η of the descent; by constrained task number: `bounds` b_j on the slopes
    g_j·v and `multipliers` λ_j; `gram` their K, row by row.
    """

    flow_speed: float
    eta: float = 0.0
    bounds: dict[int, float] = field(default_factory=dict)
    multipliers: dict[int, float] = field(default_factory=dict)
    gram: list[list[float]] = field(default_factory=list)
    feasible: bool = True


class Rectifier(Protocol):
    """Takes each task's gradient once at a point, then writes the velocity to `direction`.

    `guarded` says that a step may not end above a ceiling; `straight` that the path is a straight line, which
    a step of any length follows exactly; `order` in which order the tasks are best taken.
    """

    direction: Tensor
    guarded: bool
    straight: bool
    order: Sequence[int]

    def begin(self, t: float, barrier: Barrier) -> None:
        """Start at the objective's present point, at time `t`; forget all tasks taken."""
        ...

    def take(self, task: int) -> Tensor:
        """Return the loss of `task` at the point, float64 [], and use its gradient."""
        ...

    def complete(self, spare: Tensor) -> None:
        """Compute missing rows; `spare` is a buffer that may be used until the velocity is written."""
        ...

    def velocity(self, t: float, h: float, losses: Sequence[float], barrier: Barrier) -> Bend:
        """Write the velocity for a step of length `h` at time `t` to `direction`."""
        ...


class Unrectified:
    """The field itself: θ moves in a straight line, and no gradient is taken."""

    guarded, straight = False, True

    def __init__(self, objective: Objective, target: Tensor) -> None:
        self._objective, self._target = objective, target
        self.direction = torch.zeros_like(target)
        self.order: Sequence[int] = range(len(objective.names))

    def begin(self, t: float, barrier: Barrier) -> None:
        """Do nothing."""

    def take(self, task: int) -> Tensor:
        """Return the loss of `task`."""
        return self._objective.loss(task)

    def complete(self, spare: Tensor) -> None:
        """Do nothing."""

    def velocity(self, t: float, h: float, losses: Sequence[float], barrier: Barrier) -> Bend:  # noqa: ARG002
        """Write u to `direction`."""
        remainder = max(1.0 - t, LEAST_REMAINDER)
        self.direction.zero_()
        add_difference_(self.direction, self._target, self._objective.point, 1 / remainder)
        return Bend(float(gram([], self._target, self._objective.point)[0, 0]) ** 0.5 / remainder)
