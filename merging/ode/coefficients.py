"""Merging coefficients: per-row factors of the head's and of the checkpoint's task vector.

One operating time for a whole network is coarse, since layers and their units differ in how much of a checkpoint they
can take. Two numbers per row are learned on the calibration memory after the path's end: so few that they do not
overfit a memory of a few samples per class, as a descent on all parameters does.
Source: the layer-wise coefficients of AdaMerging, arXiv 2310.02575; here by row, and from labels. Measured: the report
of benchmarks/quality.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from merging.ode.augment import Crops
from merging.ode.config import OdeConfig
from merging.ode.objective import TowerObjective
from merging.ode.parameter_buffer import Layout
from merging.ode.refine import Draws, annealed
from merging.ode.report import Cancelled, Step

BETAS, EPSILON = (0.9, 0.99), 1e-8


class Rows:
    """The rows of two task vectors, flat float32 buffers as `layout` has them; a vector parameter is one row."""

    def __init__(self, layout: Layout, vectors: tuple[Tensor, Tensor]) -> None:
        self._layout, self._vectors = layout, vectors
        self.count = sum(rows for rows, _ in self._spans())

    def _spans(self) -> Iterator[tuple[int, slice]]:
        """The number of rows of each parameter, and the slice of its elements."""
        for shape, offset in zip(self._layout.shapes, self._layout.offsets, strict=True):
            yield (shape[0] if len(shape) > 1 else 1), slice(offset, offset + shape.numel())

    def slopes(self, gradient: Tensor) -> Tensor:
        """Scalar products of each row of a flat gradient with those of both vectors: [2, count], on its device."""
        parts = []
        for rows, span in self._spans():
            own = gradient[span].view(rows, -1)
            parts.append(torch.stack([(own * vector[span].view(rows, -1)).sum(dim=1) for vector in self._vectors]))
        return torch.cat(parts, dim=1)

    def add(self, point: Tensor, change: Tensor) -> None:
        """Add to each row of a flat point both vectors' rows, times their changes [2, count]."""
        at = 0
        for rows, span in self._spans():
            for vector, factors in zip(self._vectors, change[:, at : at + rows], strict=True):
                point[span].view(rows, -1).addcmul_(vector[span].view(rows, -1), factors[:, None])
            at += rows


def learn_coefficients(
    objective: TowerObjective,
    rows: Rows,
    weights: Sequence[float],
    config: OdeConfig,
    draws: Draws,
    *,
    end: float,
    losses: Sequence[float],
    on_step: Callable[[Step], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[list[float], dict[str, object]]:
    """Descend by Adam in the coefficients, from none, and leave the point there if that lowered the mean loss.

    `weights` are the tasks' in the loss, and sum to 1; `losses` those at the start, over all samples; `end` is the time
    to report. Returns the losses at the end, over all samples, and what happened. Buffers of the parameters' size: the
    two vectors, point, gradient, start. Raises `Cancelled`. Source of Adam: Kingma & Ba, arXiv 1412.6980, algorithm 1.
    """
    point, gradient = objective.point, objective.gradient
    start = point.clone()
    coefficients = torch.zeros(2, rows.count, device=point.device)
    mean, square = torch.zeros_like(coefficients), torch.zeros_like(coefficients)
    crops = Crops(config.crops, config.seed)
    for number in range(1, config.coefficient_steps + 1):
        if should_stop is not None and should_stop():
            raise Cancelled(f"stopped after {number - 1} of {config.coefficient_steps} steps of the coefficients")
        gradient.zero_()
        seen = [
            objective.add_drawn_gradient(task, draws(task).to(point.device), weight, crops)
            for task, weight in enumerate(weights)
        ]
        slope = rows.slopes(gradient)
        mean.lerp_(slope, 1 - BETAS[0])
        square.mul_(BETAS[1]).addcmul_(slope, slope, value=1 - BETAS[1])
        size = (square / (1 - BETAS[1] ** number)).sqrt().add_(EPSILON)
        rate = config.coefficient_rate * annealed(number, config.coefficient_steps)
        change = mean / size * (-rate / (1 - BETAS[0] ** number))
        coefficients += change
        rows.add(point, change)
        if on_step is not None:
            named = dict(zip(objective.names, torch.stack(seen).tolist(), strict=True))
            on_step(Step(number, "weighing", end, end, end, named))
    after = [float(objective.loss(task)) for task in range(len(weights))]
    means = [sum(w * loss for w, loss in zip(weights, values, strict=True)) for values in (losses, after)]
    kept = math.isfinite(means[1]) and means[1] < means[0]
    if not kept:
        point.copy_(start)
    head, checkpoint = coefficients.mean(dim=1).tolist()
    return after if kept else list(losses), {
        "steps": config.coefficient_steps,
        "kept": kept,
        "rows": rows.count,
        "mean_loss_before": means[0],
        "mean_loss_after": means[1],
        "mean_of_head": head,
        "mean_of_checkpoint": checkpoint,
    }
