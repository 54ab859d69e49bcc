"""How long the steps are, and how the velocities of a step and the one before it are combined.

Source: Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, §III.5 (Adams methods of variable step)
and §II.4 (step-size control).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from worker.merging.ode.config import OdeConfig
from worker.merging.ode.flat import gram, pieces

LARGEST_GROWTH = 3.0
SAFETY = 0.9


@dataclass(frozen=True)
class Stride:
    """The length h of a step, and its estimated error per unit of time relative to the flow's speed."""

    h: float
    error: float | None = None


class Integrator(Protocol):
    """Chooses the steps of a path to `end` and turns velocities into displacements."""

    order: int

    def propose(self, t: float) -> float:
        """Return the length of the next step; 0 where the path ends."""
        ...

    def combine(self, velocity: Tensor, t: float, h: float, flow_speed: float) -> Stride:
        """Turn `velocity` at time t, in place, into the step's mean velocity, for at most the length h."""
        ...


def even_step(remaining: float, h: float) -> float:
    """Return the largest length of at most h of which a whole number fits into `remaining`."""
    return remaining / max(1, math.ceil(remaining / h * (1 - 1e-9)))


class Euler:
    """θ ← θ + h v, steps of h that end exactly at `end`: equal ones, none longer than h."""

    order = 1

    def __init__(self, h: float, end: float) -> None:
        self._h, self._end = h, end

    def propose(self, t: float) -> float:
        """Return h or a little less."""
        remaining = self._end - t
        return 0.0 if remaining <= 1e-9 * self._end else even_step(remaining, self._h)

    def combine(self, velocity: Tensor, t: float, h: float, flow_speed: float) -> Stride:  # noqa: ARG002
        """Leave the velocity as it is."""
        return Stride(h)


class GridEuler(Euler):
    """θ ← θ + h v along a grid over [0, 1] in float32, up to its last point at or before `end`.

    Source: the published code of arXiv 2605.19409; with h > end it makes no step.
    """

    def __init__(self, h: float, end: float) -> None:
        super().__init__(h, end)
        grid: Sequence[float] = torch.linspace(0, 1, round(1 / h) + 1).tolist()
        self._grid = [time for time in grid if time <= end + 1e-9]

    def propose(self, t: float) -> float:
        """Return the distance to the next grid point."""
        return next((time - t for time in self._grid if time > t), 0.0)


class Adams(Euler):
    """Adams-Bashforth of order 2: θ ← θ + h (v + (h / 2h') (v - v')), v' and h' of the step before.

    One gradient per step, as Euler; one buffer more.
    """

    order = 2

    def __init__(self, h: float, end: float, like: Tensor) -> None:
        super().__init__(h, end)
        self._previous = torch.zeros_like(like)
        self._time: float | None = None

    def combine(self, velocity: Tensor, t: float, h: float, flow_speed: float) -> Stride:  # noqa: ARG002
        """Extrapolate to the middle of the step."""
        self._extrapolate(velocity, t, h)
        return Stride(h)

    def _extrapolate(self, velocity: Tensor, t: float, h: float) -> None:
        ratio = 0.0 if self._time is None else h / (2 * (t - self._time))
        for now, before in pieces([velocity, self._previous]):
            change = now - before
            before.copy_(now)
            now.add_(change, alpha=ratio)
        self._time = t


class AdaptiveAdams(Adams):
    """Adams-Bashforth of order 2 with step-size control before the step: no evaluation is thrown away.

    The error of a step is estimated by its distance to Euler's, (h² / 2h') ‖v - v'‖; per unit of time and relative to
    the flow's speed ‖u‖ it is held at `tolerance` by the choice of h. The first step has the given length, a step
    is at most three times as long as the one before it and at most `largest`.
    """

    def __init__(self, h: float, end: float, like: Tensor, tolerance: float, largest: float) -> None:
        super().__init__(min(h, largest), end, like)
        self._tolerance, self._largest, self._first = tolerance, largest, h

    def propose(self, t: float) -> float:
        """Return the longest step that may follow; `combine` may shorten it."""
        self._h = min(self._first, self._largest)
        if self._time is not None:
            self._h = min(LARGEST_GROWTH * (t - self._time), self._largest)
        return super().propose(t)

    def combine(self, velocity: Tensor, t: float, h: float, flow_speed: float) -> Stride:
        """Choose the step's length for the tolerance, then extrapolate to its middle."""
        error = None
        if self._time is not None and flow_speed > 0:
            change = float(gram([], velocity, self._previous)[0, 0]) ** 0.5
            rate = change / (2 * (t - self._time) * flow_speed)
            if rate * h > self._tolerance:
                h = even_step(self._end - t, SAFETY * self._tolerance / rate)
            error = rate * h
        self._extrapolate(velocity, t, h)
        return Stride(h, error)


def integrator(config: OdeConfig, end: float, like: Tensor, *, straight: bool) -> Integrator:
    """Make the integrator of a recipe; a straight path needs one step only, where steps are chosen."""
    if straight and config.integrator != "euler":
        return Euler(end, end)
    if config.integrator == "adaptive":
        largest = config.largest_step * end
        return AdaptiveAdams(min(config.step_size, largest), end, like, config.tolerance, largest)
    if config.integrator == "adams":
        return Adams(config.step_size, end, like)
    grid = config.path_end == "last_grid_point"
    return (GridEuler if grid else Euler)(config.step_size, end)
