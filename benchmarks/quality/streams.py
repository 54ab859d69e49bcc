"""Streams: which tasks come in which order, with which importance, and how much memory there is."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from benchmarks import zoo
from benchmarks.zoo.training import Schedule

TASKS: Final = (
    "digits",
    "textures",
    "letters",
    "stripes",
    "scenes",
    "shapes",
    "counts",
    "colours",
    "signs",
    "clocks",
    "charts",
    "distortions",
)
PLAN: Final = zoo.Plan(
    tasks=TASKS,
    mixture=TASKS,
    pretraining=Schedule(steps=900, batch=96, rate=2e-3),
    calibration_size=1024,
    test_size=1000,
)
LENGTHS: Final = (4, 8, 12)
ORDERS: Final = (1, 2, 3)
VALIDATION_ORDER: Final = 0
BUDGET: Final = 512
IMPORTANT: Final = 4.0
"""Utility of every third task of a heterogeneous stream; the others have 1."""


@dataclass(frozen=True)
class Stream:
    """Tasks in the order of their arrival.

    utilities: importance by task, 1 where none is said. budget: samples that the calibration memory holds.
    told: whether the merges are told of the utilities; the weighted accuracy always is.
    """

    tasks: tuple[str, ...]
    budget: int = BUDGET
    utilities: dict[str, float] = field(default_factory=dict)
    told: bool = True

    def utility(self, task: str) -> float:
        """How important a task is."""
        return self.utilities.get(task, 1.0)


def drawn(length: int, order: int, budget: int = BUDGET, tasks: tuple[str, ...] = TASKS) -> Stream:
    """The first `length` tasks of a permutation of all, drawn by the order's number."""
    permuted = np.random.default_rng(order).permutation(np.array(tasks))
    return Stream(tuple(str(name) for name in permuted[:length]), budget)


def heterogeneous(length: int, order: int, budget: int = BUDGET, tasks: tuple[str, ...] = TASKS) -> Stream:
    """The same with every third task, from the second on, four times as important."""
    stream = drawn(length, order, budget, tasks)
    return Stream(stream.tasks, budget, dict.fromkeys(stream.tasks[1::3], IMPORTANT))
