"""Integrators: choose the step lengths and combine the velocities of successive steps.

Source: Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, §III.5 (Adams methods of variable step)
and §II.4 (step-size control).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from merging.ode.config import OdeConfig
from merging.ode.parameter_buffer import gram, pieces

LARGEST_GROWTH = 2.0
SAFETY = 0.9


@dataclass(frozen=True)
class Stride:
    """The length h of a step, and its estimated error per unit of time relative to the flow's speed."""

    h: float
    error: float | None = None


class Integrator(Protocol):
    """Chooses the steps of a path to `end` and turns velocities into displacements."""

    order: int

    def ends(self, t: float) -> bool:
        """Return whether the path ends at `t`."""
        ...

    def propose(self, t: float) -> float:
        """Return the length of the next step; 0 at the end of the path."""
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

    def ends(self, t: float) -> bool:
        """Return whether only rounding error is left of the path."""
        return self._end - t <= 1e-9 * self._end

    def propose(self, t: float) -> float:
        """Return h or a little less."""
        return 0.0 if self.ends(t) else even_step(self._end - t, self._h)

    def combine(self, velocity: Tensor, t: float, h: float, flow_speed: float) -> Stride:  # noqa: ARG002
        """Leave the velocity unchanged."""
        return Stride(h)


class GridEuler(Euler):
    """θ ← θ + h v along a grid over [0, 1] in float32, up to its last point at or before `end`.

    Source: the published code of arXiv 2605.19409; with h > end it makes no step.
    """

    def __init__(self, h: float, end: float) -> None:
        super().__init__(h, end)
        grid: Sequence[float] = torch.linspace(0, 1, round(1 / h) + 1).tolist()
        self._grid = [time for time in grid if time <= end + 1e-9]

    def ends(self, t: float) -> bool:
        """Return whether no grid point is left."""
        return t >= self._grid[-1]

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


class Adaptive(Euler):
    """Smoothed Euler with step-size control: θ ← θ + h w, w = (1 - β) v + β w', w' of the step before.

    Near the floor of a loss the descent in v turns around at every step of any practical length; smoothing keeps
    what successive velocities agree on, where an extrapolation (Adams) would amplify the turns. Order 1, one gradient
    per step, one buffer more than Euler.

    The error of a step is estimated before it is made, from the change of w: ½ (h² / h') ‖w - w'‖. Per unit of time
    and relative to the flow's speed ‖u‖ it is held at `tolerance` by the choice of h, between `smallest` and `largest`
    and at most twice the step before, so no evaluation is thrown away.
    """

    order = 1

    def __init__(
        self, limits: tuple[float, float], end: float, like: Tensor, tolerance: float, smoothing: float
    ) -> None:
        super().__init__(limits[1], end)
        self._smallest, self._largest = limits
        self._tolerance, self._smoothing = tolerance, smoothing
        self._previous = torch.zeros_like(like)
        self._time: float | None = None

    def propose(self, t: float) -> float:
        """Return the longest step that may follow; `combine` may shorten it."""
        first = (self._smallest * self._largest) ** 0.5
        longest = first if self._time is None else LARGEST_GROWTH * (t - self._time)
        self._h = min(max(longest, self._smallest), self._largest)
        return super().propose(t)

    def combine(self, velocity: Tensor, t: float, h: float, flow_speed: float) -> Stride:
        """Smooth the velocity, then choose the step's length for the tolerance."""
        error, elapsed = None, 0.0 if self._time is None else t - self._time
        if elapsed > 0 and flow_speed > 0:
            velocity.lerp_(self._previous, self._smoothing)
            change = float(gram([], velocity, self._previous)[0, 0]) ** 0.5
            rate = change / (2 * elapsed * flow_speed)
            if rate * h > self._tolerance:
                h = even_step(self._end - t, max(SAFETY * self._tolerance / rate, min(self._smallest, h)))
            error = rate * h
        self._previous.copy_(velocity)
        self._time = t
        return Stride(h, error)


def integrator(config: OdeConfig, end: float, like: Tensor, *, straight: bool) -> Integrator:
    """Make the integrator of a recipe; a straight path needs one step only, where steps are chosen."""
    if straight and config.integrator != "euler":
        return Euler(end, end)
    if config.integrator == "adaptive":
        limits = (min(config.smallest_step, config.largest_step) * end, config.largest_step * end)
        return Adaptive(limits, end, like, config.tolerance, config.smoothing)
    if config.integrator == "adams":
        return Adams(config.step_size, end, like)
    grid = config.path_end == "last_grid_point"
    return (GridEuler if grid else Euler)(config.step_size, end)
