"""Form B: constraints for each task, and a descent along their macro gradient.

v = argmin ½‖v - (u - ηG)‖² with g_j·v ≤ b_j for the constrained tasks.
Source: the published code of arXiv 2605.19409 (its §3.2 is form A).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from merging.ode.barrier import Barrier
from merging.ode.config import OdeConfig
from merging.ode.objective import Objective
from merging.ode.parameter_buffer import add_difference_, gram, gram_values
from merging.ode.qp import Solution, solve, solve_as_released
from merging.ode.rectifier import LEAST_REMAINDER, Bend
from merging.ode.rows import Candidate, Rows

TINY = 1e-12


class PerTask:
    """Form B. One forward and backward per task serves losses, sensitivities, macro gradient and constraints.

    Parameter-sized buffers of its own: `direction`, which gathers the macro gradient and becomes the velocity, and
    `slots` rows; neither depends on how many tasks there are. Where a row is a task's whole gradient, that of the task
    taken last stays where it is, in the gradient's buffer: one row more. So the tasks that were constrained at the
    point before come first, where a trial is refused soonest, but for one of them, which comes last. Otherwise the
    order stays as it is, and with it each rounding of the published sums.
    """

    guarded, straight = True, False

    def __init__(
        self, objective: Objective, target: Tensor, weights: Sequence[float], end: float, config: OdeConfig, slots: int
    ) -> None:
        self._objective, self._target, self._config, self._end = objective, target, config, end
        self._weights = [weight / sum(weights) for weight in weights]
        self.direction = torch.zeros_like(target)
        wanted = config.excess_constraints + config.sensitivity_constraints
        self._rows = Rows(target, min(slots, wanted), config.excess_constraints, config.sensitivity_constraints)
        self.order: Sequence[int] = list(range(len(weights)))

    def begin(self, t: float, barrier: Barrier) -> None:
        """Start at the objective's present point."""
        self._t, self._barrier = t, barrier
        self.direction.zero_()
        self._rows.clear()

    def take(self, task: int) -> Tensor:
        """Add the task's gradient to the macro gradient, and hold it as a constraint if it may be chosen.

        One synchronisation: of its loss, its gradient's norm and its slope along the flow.
        """
        gradient = self._objective.gradient
        gradient.zero_()
        seen: list[Tensor] = []

        def on_row() -> None:
            seen.append(gram([gradient], self._target, self._objective.point))
            if not self._whole_row:
                self._rows.hold(task, gradient)

        loss = self._objective.add_gradient(task, 1.0, on_row)
        square = seen[0][0, 0] if self._whole_row else gram([gradient])[0, 0]
        values = torch.stack([loss, square, seen[0][0, 1]]).cpu()
        scale = (max(float(values[1]), TINY) ** 0.5 + TINY) ** self._config.norm_power
        self.direction.add_(gradient, alpha=self._weights[task] / scale)
        ceiling = self._barrier.ceiling(task, self._t, float(values[0]))
        if ceiling is not None:
            remainder = max(1.0 - self._t, LEAST_REMAINDER)
            candidate = Candidate(task, float(values[0]) - ceiling, float(values[2]) / remainder)
            self._rows.offer(candidate, gradient if self._whole_row else None)
        else:
            self._rows.drop(task)
        return values[0]

    @property
    def _whole_row(self) -> bool:
        """Whether a constraint's gradient is the task's whole gradient."""
        return self._config.estimator == "samples"

    def complete(self, spare: Tensor) -> None:
        """Compute the rows without a slot into `spare` and the gradient's buffer."""
        missing, last = self._rows.missing(), self.order[-1]
        if self._whole_row and last in missing:
            missing.remove(last)
            row = spare.copy_(self._objective.gradient) if missing else self._objective.gradient
            self._rows.lend(last, row)
        for task in missing[:-1]:
            self._objective.row(task)
            if not self._rows.hold(task, self._objective.gradient):
                spare.copy_(self._objective.gradient)
                self._rows.lend(task, spare)
        if missing:
            self._objective.row(missing[-1])
            self._rows.lend(missing[-1], self._objective.gradient)

    def velocity(self, t: float, h: float, losses: Sequence[float], barrier: Barrier) -> Bend:
        """Write the velocity to `direction`, overwriting the macro gradient."""
        remainder = max(1.0 - t, LEAST_REMAINDER)
        tasks = self._rows.chosen()
        rows = [self._rows[task] for task in tasks]
        if self._whole_row:
            others = [task for task in range(len(self._weights)) if task not in tasks]
            self.order = [*tasks[:-1], *others, *tasks[-1:]]
        products = gram_values([*rows, self.direction], self._target, self._objective.point)
        count = len(rows)
        flow_speed = max(float(products[-1, -1]), TINY) ** 0.5 / remainder
        eta = self._eta(t, flow_speed, float(products[count, count]) ** 0.5)
        bounds = self._bounds(tasks, t, h, losses, barrier)
        K = products[:count, :count]
        c = products[:count, -1] / remainder - eta * products[:count, count] - np.array(bounds)
        solution = self._solve(K, c)
        self.direction.mul_(-eta)
        add_difference_(self.direction, self._target, self._objective.point, 1 / remainder)
        for row, multiplier in zip(rows, solution.multipliers, strict=True):
            if multiplier != 0.0:
                self.direction.add_(row, alpha=-float(multiplier))
        return Bend(
            flow_speed,
            eta,
            dict(zip(tasks, bounds, strict=True)),
            dict(zip(tasks, map(float, solution.multipliers), strict=True)),
            K.tolist(),
            solution.feasible,
        )

    def _eta(self, t: float, flow_speed: float, macro_norm: float) -> float:
        """Return η = clip(ρ (1 + r t/T) ‖u‖ / ‖G‖, η_min, η_max)."""
        config = self._config
        ratio = config.descent_ratio * (1.0 + config.descent_ramp * (t / max(self._end, TINY)))
        eta = ratio * flow_speed / (max(macro_norm, TINY) + TINY)
        return max(config.descent_smallest, min(config.descent_largest, eta))

    def _bounds(
        self, tasks: Sequence[int], t: float, h: float, losses: Sequence[float], barrier: Barrier
    ) -> list[float]:
        """Return b_j = min((C_j(t + h) - L_j) / h, allowed increase / h)."""
        ceilings, allowed = barrier.ceilings(t + h), self._config.allowed_increase
        bounds = []
        for task in tasks:
            ceiling = ceilings[task]
            assert ceiling is not None  # noqa: S101  # only protected tasks are candidates
            bound = (ceiling - losses[task]) / h
            bounds.append(bound if allowed is None else min(bound, allowed / h))
        return bounds

    def _solve(self, K: np.ndarray, c: np.ndarray) -> Solution:
        if self._config.program == "released":
            return solve_as_released(K, c, self._config.program_ridge, self._config.program_tolerance)
        return solve(K, c, self._config.program_tolerance)
