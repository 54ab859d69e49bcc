"""The figures of a run, as the field prints them."""

import statistics
from collections.abc import Callable
from typing import Final

from benchmarks.quality.protocol import Run


def acc(run: Run) -> float:
    """ACC: mean accuracy over the tasks after the last merge, in 0..1. Source: GEM, arXiv 1706.08840, section 2."""
    return mean(run.accuracies[-1])


def bwt(run: Run) -> float:
    """Backward transfer: mean over all tasks but the last of (accuracy at the end - accuracy when it was merged).

    Source: GEM, arXiv 1706.08840, section 2.
    """
    last = run.accuracies[-1]
    return mean([last[task] - run.accuracies[task][task] for task in range(len(last) - 1)])


def worst(run: Run) -> float:
    """The lowest accuracy of any task after the last merge, in 0..1."""
    return min(run.accuracies[-1])


def kept(run: Run) -> float:
    """Mean over tasks of the accuracy at the end over that of the task's own fine-tuned model."""
    return mean([now / alone for now, alone in zip(run.accuracies[-1], run.alone, strict=True)])


def weighted(run: Run) -> float:
    """Mean accuracy after the last merge, weighted by the tasks' utilities, in 0..1."""
    total = sum(u * x for u, x in zip(run.utilities, run.accuracies[-1], strict=True))
    return total / sum(run.utilities)


def path(run: Run) -> list[float]:
    """Mean accuracy on the tasks so far after each merge."""
    return [mean(row) for row in run.accuracies]


def mean(values: list[float]) -> float:
    """The mean of at least one number."""
    return sum(values) / len(values)


def spread(values: list[float]) -> float:
    """The standard deviation over orders (n - 1 in the denominator), 0 of a single one."""
    if len(values) == 1:
        return 0.0
    return statistics.stdev(values)


FIGURES: Final[dict[str, Callable[[Run], float]]] = {
    "acc": acc,
    "worst": worst,
    "bwt": bwt,
    "kept": kept,
    "weighted": weighted,
}
