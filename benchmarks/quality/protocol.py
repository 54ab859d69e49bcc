"""The protocol of continual merging: checkpoints come one by one; each task is tested when it has come and at the end.

Source: OPCM, arXiv 2501.09522, section 5; ODE-M, arXiv 2605.19409, section 4.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.material import Material, State
from benchmarks.quality.mergers import Arrival, Recipe, merger
from benchmarks.quality.streams import Stream
from worker.calibration_memory import Sample, admit


@dataclass(frozen=True)
class Run:
    """The result of one stream by one recipe.

    final: accuracy on each task after the last merge; arrival: on task k after merge k. base, alone: of the pretrained
    weights and of each task's own checkpoint. evaluations: gradients taken, in passes over the whole calibration
    memory, of the whole stream; forward: forward passes, likewise. seconds: of the merges, without the tests; peak_mb:
    the process's largest resident memory. blocked: number of paths that were blocked.
    """

    tasks: tuple[str, ...]
    utilities: tuple[float, ...]
    final: tuple[float, ...]
    arrival: tuple[float, ...]
    base: tuple[float, ...]
    alone: tuple[float, ...]
    evaluations: float
    forward: float
    seconds: float
    peak_mb: float
    blocked: int


def run(material: Material, stream: Stream, recipe: Recipe, split: str, ends: "Ends") -> Run:
    """Merge a stream's checkpoints by a recipe and test on `test` or `validation` samples."""
    method = merger(material, recipe)
    head: State = material.base
    memory: tuple[Sample, ...] = ()
    arrival_accuracies: list[float] = []
    evaluations, forward, seconds, blocked = 0.0, 0.0, 0.0, 0
    _reset_peak()
    for number, task in enumerate(stream.tasks, 1):
        subject, tasks = material.subjects[task], stream.tasks[:number]
        memory = admit(memory, subject.pool, stream.budget, seed=0)
        utilities = tuple(stream.utility(name) if stream.utilities_known else 1.0 for name in tasks)
        began = time.perf_counter()
        merged = method.merge(Arrival(head, subject.checkpoint, tasks, utilities, memory))
        seconds += time.perf_counter() - began
        head = merged.parameters
        samples = sum(len(sample.labels) for sample in memory)
        evaluations += merged.backward_samples / samples
        forward += merged.forward_samples / samples
        blocked += merged.report.get("status") == "blocked"
        material.put(head)
        arrival_accuracies += material.accuracies([task], split)
    peak = _peak_mb()
    return Run(
        tasks=stream.tasks,
        utilities=tuple(stream.utility(name) for name in stream.tasks),
        final=tuple(material.accuracies(stream.tasks, split)),
        arrival=tuple(arrival_accuracies),
        base=tuple(ends.base[task] for task in stream.tasks),
        alone=tuple(ends.alone[task] for task in stream.tasks),
        evaluations=evaluations,
        forward=forward,
        seconds=seconds,
        peak_mb=peak,
        blocked=blocked,
    )


@dataclass(frozen=True)
class Ends:
    """What every run is compared with: accuracies by task of the base and of each task's own checkpoint."""

    base: dict[str, float]
    alone: dict[str, float]


def ends(material: Material, split: str) -> Ends:
    """Test the base and the checkpoints."""
    tasks = list(material.subjects)
    material.put(material.base)
    base = dict(zip(tasks, material.accuracies(tasks, split), strict=True))
    alone = {}
    for task, subject in material.subjects.items():
        material.put(subject.checkpoint)
        alone[task] = material.accuracies([task], split)[0]
    return Ends(base, alone)


def _reset_peak() -> None:
    """Reset the process's largest resident memory. Source: proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
