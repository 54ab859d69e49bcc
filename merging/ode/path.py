"""Path θ(t) from θ₀ towards θ₁: measures losses, bends the velocity, steps, and retries steps that exceed a ceiling."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from merging.ode.barrier import Barrier
from merging.ode.config import OdeConfig
from merging.ode.integrator import Integrator
from merging.ode.objective import Objective
from merging.ode.rectifier import Bend, Rectifier
from merging.ode.report import Cancelled, Step


@dataclass(frozen=True)
class PathEnd:
    """Where a path ended: `status` "completed", "blocked" or "not_finite", with the losses at its end."""

    status: str
    message: str
    t: float
    losses: list[float]


@dataclass(frozen=True)
class _Landing:
    """The end of a step: the time, the accepted share of the step, the number of lengths tried, and the losses."""

    t: float
    scale: float
    trials: int
    losses: list[float] | None


class Path:
    """One path. The objective's point starts at θ₀ and is at the path's end afterwards.

    The pass over the tasks at a trial point serves as the next step's as well, if the trial is accepted: its losses
    decide, its gradients are there already. After a refused trial the next ones are tried with losses alone.
    One buffer of its own, `spare`: the point that a trial started from.
    """

    def __init__(
        self,
        objective: Objective,
        rectifier: Rectifier,
        integrator: Integrator,
        barrier: Barrier,
        config: OdeConfig,
        end: float,
        *,
        on_step: Callable[[Step], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        on_arrival: Callable[[float], None] | None = None,
    ) -> None:
        self._objective, self._rectifier, self._integrator = objective, rectifier, integrator
        self._barrier, self._config, self._end = barrier, config, end
        self._on_step, self._should_stop, self._on_arrival = on_step, should_stop, on_arrival
        self._spare = torch.empty_like(objective.point)
        self._ready = False  # the rectifier has the tasks' gradients at the present point
        self._wary = False  # the last step had a refused trial

    def follow(self) -> PathEnd:
        """Follow the path to its end, or to where it is blocked. Raises `Cancelled`."""
        t, number = 0.0, 0
        losses = self._depart(guided=self._integrator.propose(t) > 0)
        if not all(map(math.isfinite, losses)):
            return PathEnd("not_finite", "A loss is not finite at the start; no step was made.", t, losses)
        while (h := self._integrator.propose(t)) > 0:
            if self._should_stop is not None and self._should_stop():
                raise Cancelled(f"stopped at time {t:.4g} of {self._end:.4g}, after {number} steps")
            if not self._ready:
                losses = self.measure(t, None, gradients=True) or losses
            self._rectifier.complete(self._spare)
            bend = self._rectifier.velocity(t, h, losses, self._barrier)
            stride = self._integrator.combine(self._rectifier.direction, t, h, bend.flow_speed)
            landing = self._land(t, stride.h)
            number += 1
            losses = losses if landing.losses is None else landing.losses
            self._report_step(number, t, landing, losses, stride.h, bend, stride.error)
            if landing.losses is None and (stop := self._stuck(t, losses)):
                return stop
            t = landing.t
            if landing.losses is not None and self._on_arrival is not None:
                self._on_arrival(t)
        return PathEnd("completed", f"The path ended at {t:.6g}.", t, losses)

    @property
    def start_losses(self) -> Sequence[float]:
        """The losses at θ₀; available after `follow`."""
        return self._barrier.start or ()

    def _depart(self, *, guided: bool) -> list[float]:
        """Measure the losses at θ₀, which the barrier rises from; the pass is the first step's too if there is one."""
        losses = self.measure(0.0, None, gradients=True) if guided else None
        if losses is None:
            losses = [float(self._objective.loss(task)) for task in range(len(self._objective.names))]
        self._barrier = self._barrier.rising_from(losses)
        return losses

    def measure(self, t: float, ceilings: Sequence[float | None] | None, *, gradients: bool) -> list[float] | None:
        """Return the losses at the point, and have the rectifier take the tasks in where `gradients` says so.

        None as soon as a loss is above its ceiling in `ceilings` or not finite.
        """
        self._ready = False
        if gradients:
            self._rectifier.begin(t, self._barrier)
        losses = [math.nan] * len(self._objective.names)
        for task in self._rectifier.order:
            loss = float(self._rectifier.take(task) if gradients else self._objective.loss(task))
            ceiling = None if ceilings is None else ceilings[task]
            if not loss <= (torch.finfo(torch.float32).max if ceiling is None else ceiling):
                return None
            losses[task] = loss
        self._ready = gradients
        return losses

    def _land(self, t: float, h: float) -> _Landing:
        """Step along the rectifier's direction, shortened until no loss is above its ceiling."""
        config, point, spare = self._config, self._objective.point, self._spare
        spare.copy_(point)
        point.add_(self._rectifier.direction, alpha=h)
        self._ready = False
        scale, trial = 1.0, 0
        shorten = config.on_violation == "shorten"
        while trial < config.backtracks and scale >= config.smallest_scale:
            trial += 1
            arrival = t + h * scale if shorten else t + h
            ceilings = self._barrier.ceilings(arrival) if self._rectifier.guarded else None
            last = self._integrator.ends(arrival)
            losses = self.measure(arrival, ceilings, gradients=not (self._wary or last))
            if losses is not None:
                self._wary = trial > 1
                exact = last and config.path_end == "exact"  # equal except for rounding
                return _Landing(self._end if exact else arrival, scale, trial, losses)
            self._wary = True
            if not self._rectifier.guarded:
                break
            scale *= config.shrink
            torch.lerp(spare, point, config.shrink, out=point)
        point.copy_(spare)
        return _Landing(t if shorten else t + h, 0.0, trial, None)

    def _stuck(self, t: float, losses: list[float]) -> PathEnd | None:
        """Return how the path ends after a refused step, or None if it continues."""
        if not self._rectifier.guarded:
            return PathEnd("not_finite", f"A loss is not finite after time {t:.4g}; the path stops there.", t, losses)
        if self._config.on_violation == "skip":
            return None
        message = f"The path is blocked at time {t:.4g} of {self._end:.4g}: no step keeps every loss below its ceiling."
        return PathEnd("blocked", message, t, losses)

    def _report_step(
        self, number: int, t: float, landing: _Landing, losses: list[float], h: float, bend: Bend, error: float | None
    ) -> None:
        """Report a step."""
        if self._on_step is None:
            return
        names = self._objective.names
        named = dict(enumerate(names)) | {-1: "(all)"}
        step = Step(
            number=number,
            phase="merging",
            t=t,
            t_next=landing.t,
            T=self._end,
            losses=dict(zip(names, losses, strict=True)),
            ceilings=dict(zip(names, self._barrier.ceilings(landing.t), strict=True)),
            h=h,
            scale=landing.scale,
            trials=landing.trials,
            flow_speed=bend.flow_speed,
            eta=bend.eta,
            bounds={named[task]: bound for task, bound in bend.bounds.items()},
            multipliers={named[task]: value for task, value in bend.multipliers.items()},
            gram=bend.gram,
            feasible=bend.feasible,
            error=error,
        )
        self._on_step(step)
