"""The protocol of continual merging: checkpoints come one by one, and after each merge every task so far is tested.

Source: OPCM, arXiv 2501.09522, section 5; ODE-M, arXiv 2605.19409, section 4.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.material import Material, State
from benchmarks.quality.mergers import Arrival, Recipe, merger
from benchmarks.quality.streams import Stream
from worker.calibration_memory import Sample, admit


@dataclass(frozen=True)
class Run:
    """What came of one stream by one recipe.

    accuracies: row k has the accuracy on tasks 0..k after k + 1 merges. alone: of each task's own checkpoint.
    evaluations: gradients taken, in passes over the whole calibration memory; forward: forward passes, likewise.
    seconds: of the merges, without the tests; peak_mb: the process's largest resident memory. blocked: paths that were;
    times: where each path ended. trace: the steps of the last merge. sweep: (T, accuracy on the task that came last,
    mean accuracy on the others) for each operating time asked for.
    """

    tasks: tuple[str, ...]
    utilities: tuple[float, ...]
    accuracies: list[list[float]]
    alone: list[float]
    evaluations: float
    forward: float
    seconds: float
    peak_mb: float
    blocked: int
    times: list[float]
    trace: list[dict[str, Any]]
    sweep: list[tuple[float, float, float]]


def run(material: Material, stream: Stream, recipe: Recipe, split: str = "test", sweep: tuple[float, ...] = ()) -> Run:
    """Merge a stream's checkpoints by a recipe and test on `test` or `validation` images.

    sweep: operating times to merge the last checkpoint anew with, everything else the same.
    """
    method = merger(material, recipe)
    head: State = material.base
    memory: tuple[Sample, ...] = ()
    accuracies, times, evaluations, forward, seconds, blocked = [], [], 0.0, 0.0, 0.0, 0
    _forget_peak()
    for number, task in enumerate(stream.tasks, 1):
        subject, tasks = material.subjects[task], stream.tasks[:number]
        memory = admit(memory, subject.pool, stream.budget, seed=0)
        utilities = tuple(stream.utility(name) if stream.told else 1.0 for name in tasks)
        began = time.perf_counter()
        arrival = Arrival(head, subject.checkpoint, tasks, utilities, memory)
        merged = method.merge(arrival)
        seconds += time.perf_counter() - began
        head = merged.parameters
        samples = sum(len(sample.labels) for sample in memory)
        evaluations += merged.backward_samples / samples
        forward += merged.forward_samples / samples
        blocked += merged.report.get("status") == "blocked"
        times.append(float(merged.report.get("operating_time", 0.0)))
        accuracies.append([material.accuracy(head, name, split) for name in tasks])
    peak = _peak_mb()
    return Run(
        tasks=stream.tasks,
        utilities=tuple(stream.utility(name) for name in stream.tasks),
        accuracies=accuracies,
        alone=[material.accuracy(material.subjects[name].checkpoint, name, split) for name in stream.tasks],
        evaluations=evaluations,
        forward=forward,
        seconds=seconds,
        peak_mb=peak,
        blocked=blocked,
        times=times,
        trace=[_thin(step) for step in merged.report.get("steps", [])],
        sweep=[_swept(material, arrival, recipe, time, split) for time in sweep],
    )


def _swept(material: Material, arrival: Arrival, recipe: Recipe, time: float, split: str) -> tuple[float, float, float]:
    """The last merge with another operating time; of a recipe other than ODE-M's, by the straight line."""
    again = recipe | {"operating_time": time} if recipe["method"] == "ode" else {"method": "linear", "alpha": time}
    parameters = merger(material, again).merge(arrival).parameters
    *old, new = [material.accuracy(parameters, task, split) for task in arrival.tasks]
    return time, new, sum(old) / len(old)


def _thin(step: dict[str, Any]) -> dict[str, Any]:
    """What is plotted of a step."""
    return {name: step[name] for name in ("phase", "t_next", "losses", "ceilings")}


def _forget_peak() -> None:
    """Have the kernel forget the process's largest resident memory so far. Source: proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
