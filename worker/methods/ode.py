"""Run ODE-M for a merge job."""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from merging import ode
from merging.streaming import WEIGHTS, Emit
from registry.architecture import Architecture
from registry.errors import MethodUnavailable
from registry.merge import Progress
from worker.architectures.open_clip import VISUAL, OpenClipNetwork
from worker.evaluation import Scores, admit_sample
from worker.merge_job import Job, MergeCancelled, Result
from worker.methods.joint_endpoint import JointEndpoint
from worker.ode_planning import OdePlan, plan_ode
from worker.torch_tensors import Weights, check_finite, to_tensor_bytes

_CHECKPOINT = "the checkpoint"


def merge_by_ode(job: Job) -> Result:
    """Merge the visual towers of an open_clip network with ODE-M."""
    architecture = job.lineage.architecture
    if architecture is None or job.merge.calibration is None:
        raise MethodUnavailable("ODE-M needs a lineage with an architecture and a calibration sample.")
    job.report(Progress(phase="loading"))
    network = OpenClipNetwork(architecture, job.base, job.device)
    before, incoming = network.parameters_of(job.head), network.parameters_of(job.checkpoint)
    for name, tensor in incoming.items():
        check_finite(VISUAL + name, tensor, _CHECKPOINT)
    memory = admit_sample(job, network)
    utilities = {task.name: task.utility for task in job.tasks}
    plan = plan_ode(job.merge.recipe.model_dump(), memory, utilities, job.lineage.base_utility)
    scores = Scores(job, network, architecture, memory)
    scores.take("before", before)
    scores.take("checkpoint", incoming)
    network.set_parameters(before)
    joint = JointEndpoint(job) if plan.config.endpoint == "joint" else None
    endpoint = incoming if joint is None else _of_network(network, joint.parameters)
    outcome = _merge(job, network, architecture, plan, before, endpoint)
    job.report(Progress(phase="evaluating"))
    scores.take("after", outcome.parameters)
    report = {"tasks": scores.table, **outcome.report.as_dict()}
    if plan.unprotected:
        report["unprotected_tasks"] = list(plan.unprotected)
    merged = {VISUAL + name: tensor for name, tensor in outcome.parameters.items()}
    if joint is None:
        return Result(write=lambda emit: _write(job, merged, emit), memory=memory, report=report)

    def write(emit: Emit) -> None:
        _write(job, merged, emit)
        joint.emit_state(emit)

    return Result(write, memory, report, joint.plan.family, joint.parts, joint.plan.scalars)


def _of_network(network: OpenClipNetwork, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Merged tensors by the tower's parameter names, float32 on its device."""
    device = next(network.tower.parameters()).device
    return {name: tensors[VISUAL + name].to(device, torch.float32) for name in network.scope}


def _write(job: Job, merged: Mapping[str, Tensor], emit: Emit) -> None:
    """Emit the merged tensors, and the base's tensors outside the merge scope."""
    for name in job.base.names:
        tensor = job.base[name]
        if name in merged:
            tensor = merged[name].detach().to(tensor.dtype).cpu()
            check_finite(name, tensor, "the result")
        emit(WEIGHTS, to_tensor_bytes(tensor).elements)


def _merge(
    job: Job,
    network: OpenClipNetwork,
    architecture: Architecture,
    plan: OdePlan,
    before: Mapping[str, Tensor],
    endpoint: Mapping[str, Tensor],
) -> ode.Outcome:
    preprocess = architecture.preprocess
    try:
        return ode.merge(
            network.tower,
            before,
            endpoint,
            plan.tasks,
            logit_scale=network.logit_scale,
            normalisation=ode.Normalisation(preprocess.mean, preprocess.std),
            config=plan.config,
            origin=_Origin(job.base, network.scope),
            base_utility=plan.base_utility,
            on_step=lambda step: job.report(_progress(step)),
            should_stop=job.stopping,
        )
    except ode.Cancelled as error:
        raise MergeCancelled from error


class _Origin(Mapping[str, Tensor]):
    """The base's tensors in the merge scope, by the tower's parameter names; read on access."""

    def __init__(self, base: Weights, scope: Sequence[str]) -> None:
        self._base, self._scope = base, scope

    def __getitem__(self, name: str) -> Tensor:
        return self._base[VISUAL + name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope)

    def __len__(self) -> int:
        return len(self._scope)


def _progress(step: ode.Step) -> Progress:
    losses = {name: loss if math.isfinite(loss) else None for name, loss in step.losses.items()}
    return Progress(phase=step.phase, step=step.number, t=step.t_next, T=step.T, losses=losses, scale=step.scale)
