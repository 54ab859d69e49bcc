"""The metrics of a run, as the field prints them."""

import statistics
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.quality.protocol import Run


def acc(run: Run) -> float:
    """ACC: mean accuracy over the tasks after the last merge, in 0..1. Source: GEM, arXiv 1706.08840, section 2."""
    return mean(run.final)


def bwt(run: Run) -> float:
    """Backward transfer: mean over all tasks but the last of (accuracy at the end - accuracy when it was merged).

    Source: GEM, arXiv 1706.08840, section 2.
    """
    return mean([end - then for end, then in zip(run.final[:-1], run.arrival[:-1], strict=True)])


def worst(run: Run) -> float:
    """The lowest accuracy of any task after the last merge, in 0..1."""
    return min(run.final)


def kept(run: Run) -> float:
    """Mean accuracy after the last merge over that of the tasks' own fine-tuned models."""
    return mean(run.final) / mean(run.alone)


def weighted(run: Run) -> float:
    """Mean accuracy after the last merge, weighted by the tasks' utilities, in 0..1."""
    total = sum(u * x for u, x in zip(run.utilities, run.final, strict=True))
    return total / sum(run.utilities)


def mean(values: Sequence[float]) -> float:
    """The mean of at least one number."""
    return sum(values) / len(values)


def spread(values: Sequence[float]) -> float:
    """The standard deviation over orders (n - 1 in the denominator), 0 of a single one."""
    if len(values) == 1:
        return 0.0
    return statistics.stdev(values)


METRICS: Final[dict[str, Callable[[Run], float]]] = {"acc": acc, "worst": worst, "bwt": bwt, "kept": kept}
