"""The published schedule of form B, pass by pass: what the engine's time is compared with.

Each quantity of a step has passes of its own, in the published order: the current losses, the sensitivities, the macro
gradient, the constraints' gradients, the losses of each trial. Vectors are mappings from parameter names to tensors,
each dot product a loop over them. The numbers are those of the recipe {"preset": "released"}.

Source: the published code of arXiv 2605.19409 (its schedule; the code here is our own).
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from merging.ode import OdeConfig, TaskData
from merging.ode.barrier import Barrier, first_above
from merging.ode.qp import solve_as_released
from merging.ode.rows import Candidate, constrained

Vector = dict[str, Tensor]


class PassByPass:
    """One merge of `tasks` (images float32, normalised) on a tower that holds θ₀; counts its passes in batches."""

    def __init__(
        self,
        tower: nn.Module,
        theta_1: Mapping[str, Tensor],
        tasks: Sequence[TaskData],
        scale: float,
        config: OdeConfig,
    ) -> None:
        self.tower, self.scale, self.config = tower, scale, config
        self.parameters = {name: value for name, value in tower.named_parameters() if name in theta_1}
        self.target = {name: theta_1[name] for name in self.parameters}
        self.tasks = range(len(tasks))
        self.batches = [
            list(zip(task.images.split(config.batch_size), task.labels.split(config.batch_size), strict=True))
            for task in tasks
        ]
        self.heads = [task.head for task in tasks]
        self.forward_batches, self.backward_batches = 0, 0

    def merge(self, end: float) -> None:
        """Follow the path along the published grid up to `end`."""
        start = {name: value.detach().clone() for name, value in self.parameters.items()}
        start_losses = [self.loss(task) for task in self.tasks]
        self.put(self.target)
        end_losses = [self.loss(task) for task in self.tasks]
        self.put(start)
        del start
        barrier = Barrier(start_losses, end_losses, self.config.barrier_budget, self.config.barrier_power)
        grid = torch.linspace(0, 1, round(1 / self.config.step_size) + 1).tolist()
        times = [time for time in grid if time <= end + 1e-9]
        for t, t_next in itertools.pairwise(times):
            self.step(t, t_next, barrier)

    def step(self, t: float, t_next: float, barrier: Barrier) -> None:
        """Make one step."""
        config, h = self.config, t_next - t
        losses, ceilings = [self.loss(task) for task in self.tasks], barrier.ceilings(t)
        u = {name: (self.target[name] - value.detach()) / (1 - t) for name, value in self.parameters.items()}
        candidates = [
            Candidate(task, losses[task] - (ceilings[task] or 0.0), dot(self.gradient(task, 1), u))
            for task in self.tasks
        ]
        rows = constrained(candidates, config.excess_constraints, config.sensitivity_constraints)
        bounds = [min(((barrier.ceilings(t_next)[task] or 0.0) - losses[task]) / h, 0.0) for task in rows]
        macro = self.macro()
        eta = config.descent_ratio * math.sqrt(dot(u, u)) / math.sqrt(dot(macro, macro))
        gradients = [self.gradient(task, 1) for task in rows]
        v = {name: u[name] - eta * macro[name] for name in u}
        K = np.array([[dot(one, other) for other in gradients] for one in gradients]).reshape(len(rows), len(rows))
        c = np.array([dot(g, v) for g in gradients]) - np.array(bounds)
        solution = solve_as_released(K, c, config.program_ridge, config.program_tolerance)
        for g, multiplier in zip(gradients, solution.multipliers, strict=True):
            for name, value in v.items():
                value.sub_(g[name], alpha=float(multiplier))
        self.search(v, h, barrier.ceilings(t_next))

    def search(self, v: Vector, h: float, ceilings: Sequence[float | None]) -> None:
        """Take the longest tried share of the step that keeps every loss below its ceiling."""
        backup = {name: value.detach().clone() for name, value in self.parameters.items()}
        scale = 1.0
        for _ in range(self.config.backtracks):
            self.put({name: value + h * scale * v[name] for name, value in backup.items()})
            losses = [self.loss(task) for task in self.tasks]
            if first_above(losses, ceilings) is None:
                return
            scale *= self.config.shrink
        self.put(backup)

    def macro(self) -> Vector:
        """Return the mean of the tasks' gradients, each divided by a power of its norm."""
        total = {name: torch.zeros_like(value) for name, value in self.parameters.items()}
        for task in self.tasks:
            gradient = self.gradient(task, self.config.max_batches)
            norm = math.sqrt(dot(gradient, gradient)) ** self.config.norm_power
            for name, value in total.items():
                value.add_(gradient[name], alpha=1 / (norm * len(self.tasks)))
        return total

    def gradient(self, task: int, batches: int) -> Vector:
        """Return the sum of the gradients of the task's first batches' mean losses."""
        for value in self.parameters.values():
            value.grad = None
        for images, labels in self.batches[task][:batches]:
            self.batch_loss(task, images, labels).backward()
            self.backward_batches += 1
        return {
            name: torch.zeros_like(value) if value.grad is None else value.grad.detach().clone()
            for name, value in self.parameters.items()
        }

    @torch.no_grad()
    def loss(self, task: int) -> float:
        """Return the mean of the batches' mean losses."""
        batches = self.batches[task][: self.config.max_batches]
        return sum(float(self.batch_loss(task, images, labels)) for images, labels in batches) / len(batches)

    def batch_loss(self, task: int, images: Tensor, labels: Tensor) -> Tensor:
        """Return one batch's mean loss."""
        self.forward_batches += 1
        logits = self.scale * (normalize(self.tower(images), dim=-1) @ self.heads[task].T)
        return cross_entropy(logits, labels)

    @torch.no_grad()
    def put(self, values: Mapping[str, Tensor]) -> None:
        """Copy values into the tower."""
        for name, value in self.parameters.items():
            value.copy_(values[name])


def dot(one: Vector, other: Vector) -> float:
    """Return the dot product of two vectors, in float64."""
    return sum(float((value.double() * other[name].double()).sum()) for name, value in one.items())
