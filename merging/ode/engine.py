"""ODE-M engine: merges two sets of a tower's parameters on calibration samples, and reports on the merge."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace

import torch
from torch import Tensor, nn

from merging.ode.aggregate import Aggregate
from merging.ode.barrier import Barrier
from merging.ode.coefficients import Rows, learn_coefficients
from merging.ode.config import OdeConfig
from merging.ode.holdout import Holdout, split
from merging.ode.integrator import integrator
from merging.ode.objective import Objective, TowerObjective, passes_precision
from merging.ode.operating_time import OperatingTime, operating_time
from merging.ode.parameter_buffer import Layout, bound
from merging.ode.path import Path, PathEnd
from merging.ode.per_task import PerTask
from merging.ode.rectifier import Rectifier, Unrectified
from merging.ode.refine import Shuffled, refine
from merging.ode.report import Outcome, Report, Step
from merging.ode.task import Normalisation, TaskData

ROWS = (3, 2)  # constraint slots of form B: with Euler, and with an integrator that stores a velocity


def merge(
    tower: nn.Module,
    theta_0: Mapping[str, Tensor],
    theta_1: Mapping[str, Tensor],
    tasks: Sequence[TaskData],
    *,
    logit_scale: float,
    normalisation: Normalisation | None,
    config: OdeConfig,
    origin: Mapping[str, Tensor] | None = None,
    base_utility: float = 0.0,
    on_step: Callable[[Step], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Outcome:
    """Merge θ₁ into θ₀: follow the rectified path to the operating time, then refine if the recipe says so.

    `tower` maps images to embeddings [n, d] (not unit-norm); it is in eval mode, float32 and on its device.
    `theta_0` and `theta_1` name the merge scope by the tower's parameter names, any float dtype, any device; each
    value is read at most four times, so a mapping may load lazily. `origin`, of the same names, is what all
    checkpoints were fine-tuned from; without it no coefficients are learned. With the endpoint "joint" `theta_1` is the
    closed-form solution of all tasks, and T by utilities is 1. `tasks` come in order of arrival, the incoming one last;
    `logit_scale` is the factor itself. The tower holds the merged parameters afterwards.

    The report, and no exception, describes a blocked path, a loss that is not finite or an infeasible program. Raises
    ValueError on misuse, and `Cancelled` when `should_stop()` is true between two steps.
    """
    began = time.perf_counter()
    if not tasks:
        raise ValueError("no tasks: at least the incoming task is required")
    if len({task.name for task in tasks}) < len(tasks):
        raise ValueError("two tasks have the same name; the report would mix them up")
    layout = Layout.from_tower(tower, theta_0, theta_1)
    device = next(tower.parameters()).device
    point = torch.zeros(layout.size, device=device)
    gradient = torch.zeros(layout.size, device=device)
    report = Report(device=str(device), precision=passes_precision(config.precision, device), recipe=config.as_recipe())
    report.parameters = sum(shape.numel() for shape in layout.shapes)

    def record(step: Step) -> None:
        report.steps.append(step)
        if on_step is not None:
            on_step(step)

    with bound(tower, layout, point, gradient), arithmetic(config.precision):
        run = _Run(tower, layout, point, gradient, config, logit_scale, normalisation, report, record, should_stop)
        run.merge(theta_0, theta_1, origin, tasks, base_utility)
    report.seconds = time.perf_counter() - began
    return Outcome(layout.views(point), report)


class _Run:
    """One merge on a bound tower; fills the report."""

    def __init__(
        self,
        tower: nn.Module,
        layout: Layout,
        point: Tensor,
        gradient: Tensor,
        config: OdeConfig,
        logit_scale: float,
        normalisation: Normalisation | None,
        report: Report,
        on_step: Callable[[Step], None],
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self._tower, self._layout, self._point, self._gradient = tower, layout, point, gradient
        self._config, self._logit_scale, self._normalisation = config, logit_scale, normalisation
        self._report, self._on_step, self._should_stop = report, on_step, should_stop

    def merge(
        self,
        theta_0: Mapping[str, Tensor],
        theta_1: Mapping[str, Tensor],
        origin: Mapping[str, Tensor] | None,
        tasks: Sequence[TaskData],
        base_utility: float,
    ) -> None:
        """Leave the merged parameters in the point."""
        config, utilities = self._config, [task.utility for task in tasks]
        chosen = 1.0 if config.endpoint == "joint" and config.operating_time == "utilities" else config.operating_time
        when = operating_time(chosen, utilities, base_utility, config.auto_limit)
        self._report.intended_time, self._report.time_reason = when.value, when.reason
        held_out: TowerObjective | None = None
        if config.operating_time == "auto":
            generator = torch.Generator().manual_seed(config.seed)
            parts = [split(task, config.holdout, generator) for task in tasks]
            tasks = [path for path, _ in parts]
            held_out = self._objective([held for _, held in parts], replace(config, estimator="samples"))
        objective = self._objective(tasks, config)
        holdout = Holdout(held_out, _weights(utilities, by_utility=True)) if held_out is not None else None
        end = self._travel(objective, theta_0, theta_1, utilities, when, holdout)
        self._conclude(objective, end, holdout)
        improves = end.status != "not_finite" and not _alone(when, tasks)
        shares = _shares(utilities, config)
        if improves and config.coefficients and origin is not None:
            vectors = (self._vector(theta_0, origin), self._vector(theta_1, origin))
            self._weigh(objective, vectors, shares, tasks, when, end.t)
            del vectors
        self._count(objective)
        if improves and config.refine:
            self._refine(tasks, shares, when, end.t, self._units(theta_0, theta_1))

    def _objective(self, tasks: Sequence[TaskData], config: OdeConfig) -> TowerObjective:
        return TowerObjective(
            self._tower,
            self._point,
            self._gradient,
            tasks,
            logit_scale=self._logit_scale,
            normalisation=self._normalisation,
            config=config,
        )

    def _travel(
        self,
        objective: TowerObjective,
        theta_0: Mapping[str, Tensor],
        theta_1: Mapping[str, Tensor],
        utilities: Sequence[float],
        when: OperatingTime,
        holdout: Holdout | None,
    ) -> PathEnd:
        """Measure both ends and follow the path between them."""
        config, report, names = self._config, self._report, objective.names
        self._layout.fill(self._point, theta_1)
        end_losses = [float(objective.loss(task)) for task in range(len(names))]
        report.losses_incoming = dict(zip(names, end_losses, strict=True))
        target = self._point.clone()
        self._layout.fill(self._point, theta_0)
        if _alone(when, names) or not all(map(math.isfinite, end_losses)):
            start_losses = [float(objective.loss(task)) for task in range(len(names))]
            report.losses_before = dict(zip(names, start_losses, strict=True))
            if wrong := _not_finite(report):
                return PathEnd("not_finite", wrong, 0.0, start_losses)
            self._point.copy_(target)
            message = "No other task has a share: the incoming parameters are taken as they are."
            return PathEnd("completed", message, 1.0, end_losses)
        weights = _weights(utilities, by_utility=config.task_weights == "utilities")
        rectifier = _rectifier(objective, target, weights, when.horizon, config)
        path = Path(
            objective,
            rectifier,
            integrator(config, when.horizon, self._point, straight=rectifier.straight and holdout is None),
            Barrier(None, end_losses, config.barrier_budget, config.barrier_power, config.protect_old_only),
            config,
            when.horizon,
            on_step=self._on_step,
            should_stop=self._should_stop,
            on_arrival=None if holdout is None else holdout.look,
        )
        end = path.follow()
        report.losses_before = dict(zip(names, path.start_losses, strict=True))
        wrong = _not_finite(report)
        return replace(end, message=wrong) if wrong else end

    def _conclude(self, objective: TowerObjective, end: PathEnd, holdout: Holdout | None) -> None:
        """Choose the operating time, where it is to be chosen, and write the path into the report."""
        report, names = self._report, objective.names
        report.status, report.message = end.status, end.message
        report.operating_time, losses = end.t, end.losses
        if holdout is not None and holdout.verdicts:
            report.time_reason = holdout.choose()
            report.held_out = [asdict(verdict) for verdict in holdout.verdicts]
            report.operating_time = holdout.best.t if holdout.best is not None else end.t
            report.message += f" The result is the point at {report.operating_time:.6g}: held-out samples chose it."
            losses = [float(objective.loss(task)) for task in range(len(names))]
        report.losses_after = dict(zip(names, losses, strict=True))
        report.infeasible_steps = sum(not step.feasible for step in report.steps)
        report.refused_steps = sum(step.scale == 0.0 for step in report.steps)
        if report.infeasible_steps:
            report.message += f" In {report.infeasible_steps} steps the constraints contradicted each other."
        if report.refused_steps:
            report.message += f" {report.refused_steps} steps were refused at every length."

    def _vector(self, theta: Mapping[str, Tensor], origin: Mapping[str, Tensor]) -> Tensor:
        """θ - θ_pre, flat."""
        vector = torch.zeros_like(self._point)
        for name, view in self._layout.views(vector).items():
            view.copy_(theta[name]).sub_(origin[name].to(view.device))
        return vector

    def _weigh(
        self,
        objective: TowerObjective,
        vectors: tuple[Tensor, Tensor],
        shares: Sequence[float],
        tasks: Sequence[TaskData],
        when: OperatingTime,
        t: float,
    ) -> None:
        """Learn the coefficients."""
        config, report = _paced(self._config, when, tasks), self._report
        draws = Shuffled([len(task.labels) for task in tasks], config.batch_size, config.seed)
        losses, report.coefficients = learn_coefficients(
            objective,
            Rows(self._layout, vectors),
            shares,
            config,
            draws,
            end=t,
            losses=list(report.losses_after.values()),
            on_step=self._on_step,
            should_stop=self._should_stop,
        )
        report.losses_after = dict(zip(objective.names, losses, strict=True))

    def _units(self, theta_0: Mapping[str, Tensor], theta_1: Mapping[str, Tensor]) -> list[tuple[slice, float]]:
        """The unit of the refinement's rate in each part of the parameters."""
        if self._config.refine_unit == "parameters":
            return [(slice(None), 1.0)]
        units = []
        for name, shape, offset in zip(self._layout.names, self._layout.shapes, self._layout.offsets, strict=True):
            distance = theta_1[name].float() - theta_0[name].to(theta_1[name].device)
            units.append((slice(offset, offset + shape.numel()), float(distance.square().mean().sqrt())))
        return units

    def _refine(
        self,
        tasks: Sequence[TaskData],
        shares: Sequence[float],
        when: OperatingTime,
        t: float,
        units: Sequence[tuple[slice, float]],
    ) -> None:
        """Descend around the path's end."""
        config, report = _paced(self._config, when, tasks), self._report
        objective = self._objective(tasks, config)
        probe = self._objective(tasks, replace(config, estimator="batches", max_batches=config.refine_probe_batches))
        draws = Shuffled([len(task.labels) for task in tasks], config.batch_size, config.seed)
        report.refinement = refine(
            objective,
            probe,
            shares,
            config,
            draws,
            end=t,
            units=units,
            on_step=self._on_step,
            should_stop=self._should_stop,
        )
        losses = [float(objective.loss(task)) for task in range(len(tasks))]
        report.losses_after = dict(zip(objective.names, losses, strict=True))
        self._count(objective, probe)

    def _count(self, *objectives: TowerObjective) -> None:
        """Add the passes of finished objectives to the report."""
        for passes in (objective.passes for objective in objectives):
            self._report.gradient_evaluations += passes.gradient_evaluations
            self._report.forward_samples += passes.forward_samples
            self._report.backward_samples += passes.backward_samples


def _not_finite(report: Report) -> str:
    """Return a sentence that names the losses that are not finite at the path's ends, or nothing."""
    ends = (("the merged parameters", report.losses_before), ("the incoming parameters", report.losses_incoming))
    bad = [f"{name} at {where}" for where, losses in ends for name, x in losses.items() if not abs(x) < float("inf")]
    return f"No step was made: the loss is not finite for {', '.join(bad)}." if bad else ""


def _weights(utilities: Sequence[float], *, by_utility: bool) -> list[float]:
    """Return the tasks' weights: their utilities, or 1 for each if `by_utility` is false or all are 0."""
    return list(utilities) if by_utility and any(utilities) else [1.0] * len(utilities)


def _shares(utilities: Sequence[float], config: OdeConfig) -> list[float]:
    """The tasks' shares in a mean of their losses."""
    weights = _weights(utilities, by_utility=config.task_weights == "utilities")
    return [weight / sum(weights) for weight in weights]


def _paced(config: OdeConfig, when: OperatingTime, tasks: Sequence[TaskData]) -> OdeConfig:
    """The configuration with this merge's rates for the coefficients and the refinement.

    Every merge learns from the same memory, so what is learned in all of a stream's merges adds up: with a share of new
    that falls as 1/k the rates fall too, from where a second task has half of all; and few samples are soon learned by
    heart. Measured: decision 0018.
    """
    share = min(1.0, 2.0 * when.value) if config.rates_by_time else 1.0
    fewest = min(len(task.labels) for task in tasks)
    pace = share * min(1.0, fewest / max(config.enough_samples, 1))
    return replace(config, coefficient_rate=pace * config.coefficient_rate, refine_rate=pace * config.refine_rate)


def _alone(when: OperatingTime, tasks: Sequence[object]) -> bool:
    """Whether the incoming task is the only one, so that its checkpoint is the result."""
    return when.horizon >= 1.0 and len(tasks) == 1


def _rectifier(
    objective: Objective, target: Tensor, weights: Sequence[float], end: float, config: OdeConfig
) -> Rectifier:
    """Build the recipe's rectifier. An integrator that stores a velocity leaves form B one row buffer fewer."""
    if config.rectifier == "none":
        return Unrectified(objective, target)
    if config.rectifier == "aggregate":
        old = [*weights[:-1], 0.0]
        kept = old if config.protect_old_only and any(old) else weights
        return Aggregate(objective, target, kept)
    return PerTask(objective, target, weights, end, config, slots=ROWS[config.integrator != "euler"])


@contextmanager
def arithmetic(precision: str) -> Iterator[None]:
    """Set torch's global switches during the passes: TF32 by the recipe, and one attention path for all passes.

    The attention's inference-only path rounds differently from the one that gradients need; a loss must not depend
    on whether its gradient is taken too.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, torch.backends.mha.get_fastpath_enabled()
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before[:2]
        torch.backends.mha.set_fastpath_enabled(before[2])
