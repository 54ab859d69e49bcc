"""Refinement: a short descent on the calibration memory around the path's end.

Source: the published code of arXiv 2605.19409 (`post_refine`).
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from merging.ode.augment import Crops
from merging.ode.config import OdeConfig
from merging.ode.objective import TowerObjective
from merging.ode.parameter_buffer import gram
from merging.ode.report import Cancelled, Step

BETAS, EPSILON = (0.9, 0.999), 1e-8


class Draws(Protocol):
    """Source of the refinement's batches."""

    def __call__(self, task: int) -> Tensor:
        """Return the indices (int64) of the next batch of a task."""
        ...


class Shuffled:
    """Batches of each task in a random order, each sample once in an epoch, the last batch of an epoch short."""

    def __init__(self, counts: list[int], batch_size: int, seed: int) -> None:
        self._counts, self._size = counts, batch_size
        self._generator = torch.Generator().manual_seed(seed)
        self._queues: list[list[Tensor]] = [[] for _ in counts]

    def __call__(self, task: int) -> Tensor:
        """Return the indices of the task's next batch."""
        if not self._queues[task]:
            order = torch.randperm(self._counts[task], generator=self._generator)
            self._queues[task] = list(torch.split(order, self._size))
        return self._queues[task].pop(0)


class _Adam:
    """Adam without weight decay on one flat buffer, in place. Source: Kingma & Ba, arXiv 1412.6980, algorithm 1."""

    def __init__(self, like: Tensor, rates: Sequence[tuple[slice, float]]) -> None:
        self._mean, self._square, self._rates, self._count = torch.zeros_like(like), torch.zeros_like(like), rates, 0

    def step(self, point: Tensor, gradient: Tensor, share: float = 1.0) -> None:
        """Move `point` by a share of the rates; overwrites `gradient`."""
        self._count += 1
        self._mean.lerp_(gradient, 1 - BETAS[0])
        self._square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        corrections = 1 - BETAS[0] ** self._count, 1 - BETAS[1] ** self._count
        torch.sqrt(self._square, out=gradient)
        gradient.div_(corrections[1] ** 0.5).add_(EPSILON)
        for span, rate in self._rates:
            point[span].addcdiv_(self._mean[span], gradient[span], value=-share * rate / corrections[0])


def refine(
    objective: TowerObjective,
    probe: TowerObjective,
    weights: Sequence[float],
    config: OdeConfig,
    draws: Draws,
    *,
    end: float,
    units: Sequence[tuple[slice, float]] = ((slice(None), 1.0),),
    on_step: Callable[[Step], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, object]:
    """Descend from the objective's point; leave there the best point that was safe, and return what happened.

    Minimises the mean of the tasks' losses on drawn batches, weighted by `weights` that sum to 1, plus
    `refine_anchor` · ‖θ - θ_s‖² / ‖θ_s‖², θ_s the start, inside ‖θ - θ_s‖ ≤ `refine_radius` ‖θ_s‖. A point is safe if
    no task's loss on `probe` is more than `refine_tolerance` above the start's, and better if the mean of these is
    smaller. `units` are what the rate is a multiple of, for each part of the parameters. Raises `Cancelled`.
    """
    point, gradient = objective.point, objective.gradient
    count = len(objective.names)
    baseline = [float(probe.loss(task)) for task in range(count)]

    def mean_of(losses: Sequence[float]) -> float:
        return sum(weight * loss for weight, loss in zip(weights, losses, strict=True))

    anchor = point.clone()
    between = config.refine_probe_steps < config.refine_steps
    best = point.clone() if between else anchor
    norm = max(float(gram([anchor])[0, 0]), 1e-12) ** 0.5
    best_mean, best_step = mean_of(baseline), 0
    adam = _Adam(point, [(span, config.refine_rate * unit) for span, unit in units])
    crops = Crops(config.crops, config.seed)
    for number in range(1, config.refine_steps + 1):
        if should_stop is not None and should_stop():
            raise Cancelled(f"stopped after {number - 1} of {config.refine_steps} steps of refinement")
        gradient.zero_()
        seen = [
            objective.add_drawn_gradient(task, draws(task).to(point.device), weight, crops)
            for task, weight in enumerate(weights)
        ]
        pull = 2 * config.refine_anchor / norm**2
        gradient.add_(point, alpha=pull).sub_(anchor, alpha=pull)
        _clip(gradient, config.refine_clip)
        share = annealed(number, config.refine_steps) if config.refine_anneal else 1.0
        adam.step(point, gradient, share)
        _project(point, anchor, config.refine_radius * norm)
        probed = number % config.refine_probe_steps == 0 or number == config.refine_steps
        losses = [float(probe.loss(task)) for task in range(count)] if probed else torch.stack(seen).tolist()
        mean = mean_of(losses)
        safe = probed and all(now <= was + config.refine_tolerance for now, was in zip(losses, baseline, strict=True))
        if safe and mean < best_mean:
            best_mean, best_step = mean, number
            if between:
                best.copy_(point)
        if on_step is not None:
            named = dict(zip(objective.names, losses, strict=True))
            on_step(Step(number, "refining", end, end, end, named, scale=0.0 if probed and not safe else 1.0))
    if between or best_step == 0:
        point.copy_(best)
    return {
        "steps": config.refine_steps,
        "kept_step": best_step,
        "mean_loss_before": mean_of(baseline),
        "mean_loss_after": best_mean,
    }


def annealed(number: int, steps: int) -> float:
    """The factor of the rate at step `number` of `steps`, counted from 1: a half cosine from 1 to 0.

    Source: SGDR, arXiv 1608.03983, equation 5, without restarts.
    """
    return 0.5 * (1.0 + math.cos(math.pi * (number - 1) / steps))


def _clip(gradient: Tensor, largest: float) -> None:
    """Scale `gradient` in place to a norm of at most `largest`; 0 means no limit."""
    if largest > 0:
        norm = float(gram([gradient])[0, 0]) ** 0.5
        gradient.mul_(min(1.0, largest / (norm + 1e-6)))


def _project(point: Tensor, anchor: Tensor, radius: float) -> None:
    """Move `point` back to the ball of `radius` around `anchor`, in place."""
    distance = float(gram([], point, anchor)[0, 0]) ** 0.5
    if distance > max(radius, 1e-12):
        torch.lerp(anchor, point, radius / distance, out=point)
