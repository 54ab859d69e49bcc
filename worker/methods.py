"""The merge methods by name: each composes `worker.merging` with what a job holds."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor

from registry.architecture import Architecture
from registry.errors import MethodUnavailable
from registry.merge import Progress
from worker.architectures.open_clip import VISUAL, OpenClipNetwork
from worker.job import Job, MergeCancelled, Result
from worker.memory import Sample, admit, load
from worker.merging import ode
from worker.merging.average import average, operating_time
from worker.scores import score
from worker.weights import Weights, check_finite

_CHECKPOINT = "the checkpoint"


def merge_by_ode(job: Job) -> Result:
    """ODE-M on the visual tower of an open_clip network."""
    architecture = job.lineage.architecture
    if architecture is None or job.merge.calibration is None:
        raise MethodUnavailable("ODE-M needs a lineage with an architecture and a calibration sample.")
    job.report(Progress(phase="loading"))
    network = OpenClipNetwork(architecture, job.base, job.device)
    before, incoming = network.parameters_of(job.head), network.parameters_of(job.checkpoint)
    for name, tensor in incoming.items():
        check_finite(VISUAL + name, tensor, _CHECKPOINT)
    known, memory = _memory(job, network)
    scores = _Scores(job, network, architecture, memory)
    scores.take("before", before)
    scores.take("checkpoint", incoming)
    network.set_parameters(before)
    outcome = _follow(job, network, architecture, memory, known, before, incoming)
    job.report(Progress(phase="evaluating"))
    scores.take("after", outcome.parameters)
    report = {"tasks": scores.table, **outcome.report.as_dict()}
    unprotected = sorted({task.name for task in job.earlier_tasks} - known)
    if unprotected:
        report["unprotected_tasks"] = unprotected
    merged = {VISUAL + name: tensor for name, tensor in outcome.parameters.items()}
    return Result(tensor=merged.get, memory=memory, report=report)


def _memory(job: Job, network: OpenClipNetwork) -> tuple[set[str], tuple[Sample, ...]]:
    """The names of the earlier tasks that the memory knows, and the memory with the incoming task."""
    file = Weights(job.blobs.path(job.merge.calibration or ""))
    head = file["head"].float() if "head" in file else network.zero_shot_head(job.merge.task).cpu()
    head = torch.nn.functional.normalize(head, dim=-1)
    incoming = Sample(task=job.merge.task, images=file["images"], labels=file["labels"], head=head)
    seed = int(getattr(job.merge.recipe, "seed", 0))
    memory = admit(load(job.blobs, job.parent.memory), incoming, job.lineage.calibration_budget, seed)
    return {sample.task.name for sample in memory[:-1]}, memory


def _follow(
    job: Job,
    network: OpenClipNetwork,
    architecture: Architecture,
    memory: tuple[Sample, ...],
    known: set[str],
    before: Mapping[str, Tensor],
    incoming: Mapping[str, Tensor],
) -> ode.Outcome:
    data = [ode.TaskData(item.task.name, item.images, item.labels, item.head, item.task.utility) for item in memory]
    # Tasks merged without a calibration sample cannot be protected, but they keep their share of the path.
    unknown = sum(task.utility for task in job.earlier_tasks if task.name not in known)
    preprocess = architecture.preprocess
    try:
        return ode.merge(
            network.tower,
            before,
            incoming,
            data,
            logit_scale=network.logit_scale,
            normalisation=ode.Normalisation(preprocess.mean, preprocess.std),
            config=ode.OdeConfig.from_recipe(job.merge.recipe.model_dump()),
            base_utility=job.lineage.base_utility + unknown,
            on_step=lambda step: job.report(_progress(step)),
            should_stop=job.stopping,
        )
    except ode.Cancelled as error:
        raise MergeCancelled from error


def _progress(step: ode.Step) -> Progress:
    losses = {name: loss if math.isfinite(loss) else None for name, loss in step.losses.items()}
    return Progress(phase=step.phase, step=step.number, t=step.t_next, T=step.T, losses=losses, scale=step.scale)


class _Scores:
    """Losses and accuracies by task and moment: before, of the checkpoint, after."""

    def __init__(
        self, job: Job, network: OpenClipNetwork, architecture: Architecture, memory: tuple[Sample, ...]
    ) -> None:
        self._job = job
        self._network = network
        self._preprocess = architecture.preprocess
        self._memory = memory
        self.table: dict[str, dict[str, Any]] = {
            item.task.name: {"samples": len(item.labels), "utility": item.task.utility} for item in memory
        }

    def take(self, moment: str, parameters: Mapping[str, Tensor]) -> None:
        """Score the tower with these parameters."""
        if self._job.stopping():
            raise MergeCancelled
        network = self._network
        network.set_parameters(parameters)
        found = score(network.tower, self._memory, self._preprocess, network.logit_scale, self._job.device)
        for name, values in found.items():
            self.table[name][moment] = {key: value if math.isfinite(value) else None for key, value in values.items()}


def merge_by_average(job: Job) -> Result:
    """The running average, streamed: one tensor in memory at a time, no network, no calibration."""
    before = job.lineage.base_utility + sum(task.utility for task in job.earlier_tasks)
    time = operating_time(job.merge.task.utility, before)
    prefix = VISUAL if job.lineage.architecture is not None else ""
    done = 0

    def tensor(name: str) -> Tensor | None:
        nonlocal done
        if job.stopping():
            raise MergeCancelled
        head = job.head[name]
        if not name.startswith(prefix) or not head.is_floating_point() or name not in job.checkpoint:
            return None
        incoming = job.checkpoint[name]
        check_finite(name, incoming, _CHECKPOINT)
        done += 1
        job.report(Progress(phase="merging", step=done, t=time, T=time))
        return average(head, incoming, time)

    return Result(tensor=tensor, memory=None, report={"operating_time": {"T": time}})


METHODS: Final[Mapping[str, Callable[[Job], Result]]] = {"ode": merge_by_ode, "average": merge_by_average}
"""Method name of a recipe -> what runs it."""
