"""The data-free methods as a job runs them: streamed, with scores where the lineage can evaluate."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from merging import streaming
from merging.streaming import Emit
from registry.merge import Progress
from worker.architectures.open_clip import VISUAL, OpenClipNetwork
from worker.calibration_memory import Sample, admit, load
from worker.evaluation import Scores, admit_sample
from worker.merge_job import Job, MergeCancelled, Result
from worker.methods.tensor_scope import plan_request
from worker.planning import Plan, plan
from worker.safetensors_writer import Entry


def merge_by_streaming(job: Job) -> Result:
    """Merge chunk by chunk, and evaluate the network if the lineage has calibration samples."""
    planned = plan(plan_request(job))
    memory, scores, evaluate = _evaluation(job)
    report: dict[str, Any] = dict(planned.report)
    if job.merge.removal:
        report["removed"] = job.merge.task.name
    if job.joined is not None:
        report["joined"] = [task.name for task in job.joined.tasks]
    if scores is not None:
        report["tasks"] = scores.table
    return Result(
        write=lambda emit: _write(job, planned, emit, report),
        memory=memory,
        report=report,
        family=planned.family,
        parts=state_entries(planned),
        scalars=planned.scalars,
        evaluate=evaluate,
    )


def _write(job: Job, planned: Plan, emit: Emit, report: dict[str, Any]) -> None:
    done = 0

    def on_tensor(_: str) -> None:
        nonlocal done
        if job.stopping():
            raise MergeCancelled
        done += 1
        job.report(Progress(phase="merging", step=done))

    if missing := streaming.merge(planned.inputs, planned.method, emit, on_tensor):
        report["kept_tensors"] = missing


def state_entries(planned: Plan) -> dict[str, tuple[Entry, ...]]:
    """The tensors of each part of the state, in the base's order."""
    parts: dict[str, list[Entry]] = {}
    for slot in planned.inputs.slots():
        for part, tensor in streaming.state_tensors(planned.method, slot).items():
            parts.setdefault(part, []).append(Entry(slot.name, tensor.dtype, tensor.shape))
    return {part: tuple(entries) for part, entries in parts.items()}


def _evaluation(
    job: Job,
) -> tuple[tuple[Sample, ...] | None, Scores | None, Callable[[Callable[[str], Tensor]], None] | None]:
    """The new memory, the scores so far, and the function that scores the result; all None without samples."""
    architecture = job.lineage.architecture
    joined_memory = job.joined.memory if job.joined is not None else None
    if architecture is None or not (job.merge.calibration or job.parent.memory or joined_memory):
        return None, None, None
    job.report(Progress(phase="loading"))
    network = OpenClipNetwork(architecture, job.base, job.device)
    memory, changed = _memory(job, network)
    scores = Scores(job, network, architecture, memory)
    scores.take("before", network.parameters_of(job.head))
    if not (job.merge.removal or job.merge.recompute or job.joined is not None):
        scores.take("checkpoint", network.parameters_of(job.checkpoint))

    def evaluate(read: Callable[[str], Tensor]) -> None:
        job.report(Progress(phase="evaluating"))
        scores.take("after", {name: read(VISUAL + name).float() for name in network.scope})

    return (memory if changed else None), scores, evaluate


def _memory(job: Job, network: OpenClipNetwork) -> tuple[tuple[Sample, ...], bool]:
    """The calibration memory of the version to be made, and whether it differs from the parent's."""
    if job.merge.calibration is not None:
        return admit_sample(job, network), True
    memory = load(job.blobs, job.parent.memory)
    if job.merge.removal:
        return tuple(sample for sample in memory if sample.task.name != job.merge.task.name), True
    if job.joined is None:
        return memory, False
    seed = int(getattr(job.merge.recipe, "seed", 0))
    for sample in load(job.blobs, job.joined.memory):
        memory = admit(memory, sample, job.lineage.calibration_budget, seed)
    return memory, True
