"""Streams: which tasks come in which order, with which importance, and how much memory there is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

ORDERS: Final = (1, 2, 3)
VALIDATION_ORDER: Final = 0
BUDGET: Final = 512
IMPORTANT: Final = 4.0
"""Utility of every third task of a heterogeneous stream; the others have 1."""


@dataclass(frozen=True)
class Stream:
    """Tasks in the order of their arrival.

    utilities: importance by task, 1 where none is given. budget: samples that the calibration memory holds.
    utilities_known: whether merges know the utilities; the weighted accuracy always uses them.
    """

    tasks: tuple[str, ...]
    budget: int = BUDGET
    utilities: dict[str, float] = field(default_factory=dict)
    utilities_known: bool = True

    def utility(self, task: str) -> float:
        """How important a task is."""
        return self.utilities.get(task, 1.0)


def drawn(tasks: Sequence[str], length: int, order: int, budget: int = BUDGET) -> Stream:
    """The first `length` tasks in an order drawn by its number: orders of one length differ in nothing else."""
    permuted = np.random.default_rng([order, length]).permutation(np.array(tasks[:length]))
    return Stream(tuple(str(name) for name in permuted), budget)


def heterogeneous(tasks: Sequence[str], length: int, order: int, budget: int = BUDGET) -> Stream:
    """The same with every third task, from the second on, four times as important."""
    stream = drawn(tasks, length, order, budget)
    return Stream(stream.tasks, budget, dict.fromkeys(stream.tasks[1::3], IMPORTANT))
