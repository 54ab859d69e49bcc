"""The data-free methods as a job runs them: streamed, with scores where the lineage can evaluate."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from registry.merge import Progress
from worker.architectures.open_clip import VISUAL, OpenClipNetwork
from worker.job import Job, MergeCancelled, Result
from worker.memory import Sample, load
from worker.merging import streaming
from worker.merging.streaming import Emit, Inputs, Method
from worker.methods.recipes import STREAMED
from worker.methods.scoring import Scores, admit_sample


def merge_by_streaming(job: Job) -> Result:
    """A chunk in memory at a time. The network runs only to score, where there are calibration samples to score on."""
    inputs = Inputs(job.base, job.head, (job.checkpoint,), {}, scope=_scope(job))
    method = STREAMED[job.merge.recipe.method](job)
    memory, scores, evaluate = _evaluation(job)
    report: dict[str, Any] = {"tasks": scores.table} if scores is not None else {}
    return Result(
        write=lambda emit: _write(job, inputs, method, emit, report), memory=memory, report=report, evaluate=evaluate
    )


def _scope(job: Job) -> Callable[[str], bool]:
    prefix = VISUAL if job.lineage.architecture is not None else ""
    return lambda name: name.startswith(prefix)


def _write(job: Job, inputs: Inputs, method: Method, emit: Emit, report: dict[str, Any]) -> None:
    done = 0

    def on_tensor(_: str) -> None:
        nonlocal done
        if job.stopping():
            raise MergeCancelled
        done += 1
        job.report(Progress(phase="merging", step=done))

    if missing := streaming.merge(inputs, method, emit, on_tensor):
        report["kept_tensors"] = missing


def _evaluation(
    job: Job,
) -> tuple[tuple[Sample, ...] | None, Scores | None, Callable[[Callable[[str], Tensor]], None] | None]:
    """The new memory, the scores so far, and what scores the result; all None without samples to score on."""
    architecture = job.lineage.architecture
    if architecture is None or (job.merge.calibration is None and job.parent.memory is None):
        return None, None, None
    job.report(Progress(phase="loading"))
    network = OpenClipNetwork(architecture, job.base, job.device)
    new = job.merge.calibration is not None
    memory = admit_sample(job, network) if new else load(job.blobs, job.parent.memory)
    scores = Scores(job, network, architecture, memory)
    scores.take("before", network.parameters_of(job.head))
    scores.take("checkpoint", network.parameters_of(job.checkpoint))

    def evaluate(read: Callable[[str], Tensor]) -> None:
        job.report(Progress(phase="evaluating"))
        scores.take("after", {name: read(VISUAL + name).float() for name in network.scope})

    return (memory if new else None), scores, evaluate
