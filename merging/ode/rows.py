"""Constraint rows: selects the constrained tasks and stores their gradients in a fixed number of buffers."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Candidate:
    """A protected task as a constraint: its loss above its ceiling, and its slope along the flow, g·u."""

    task: int
    excess: float
    sensitivity: float


def constrained(candidates: Sequence[Candidate], by_excess: int, by_sensitivity: int) -> list[int]:
    """Return the tasks with the largest excesses, then those with the largest positive sensitivities, once each.

    Equal values keep the tasks' order. Source: the published code of arXiv 2605.19409.
    """
    nearest = sorted(candidates, key=lambda c: (-c.excess, c.task))[:by_excess]
    harmed = sorted((c for c in candidates if c.sensitivity > 0), key=lambda c: (-c.sensitivity, c.task))
    return list(dict.fromkeys(c.task for c in [*nearest, *harmed[:by_sensitivity]]))


class Rows:
    """Gradients of the tasks that can still be constrained, in a fixed number of slots.

    A task that is constrained although no slot was free for it is `missing`: its row has to be computed again.
    """

    def __init__(self, like: Tensor, slots: int, by_excess: int, by_sensitivity: int) -> None:
        self._slots = [like.new_zeros(like.shape) for _ in range(slots)]
        self._limits = (by_excess, by_sensitivity)
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self._candidates: list[Candidate] = []
        self._held: dict[int, Tensor] = {}
        self._free = list(self._slots)

    def hold(self, task: int, gradient: Tensor) -> bool:
        """Copy a row into a free slot, if there is one. Returns whether the row is held."""
        if task not in self._held and self._free:
            self._held[task] = self._free.pop()
            self._held[task].copy_(gradient)
        return task in self._held

    def drop(self, task: int) -> None:
        """Free the slot of a task that is not a candidate."""
        if task in self._held:
            self._free.append(self._held.pop(task))

    def offer(self, candidate: Candidate, gradient: Tensor | None) -> None:
        """Rank a task among those seen, free the slots of those that are no longer chosen, and hold its row if it is.

        `gradient` is the row, or None if the caller no longer has it (it may be held).
        """
        self._candidates.append(candidate)
        winners = self.chosen()
        for task in [held for held in self._held if held not in winners]:
            self.drop(task)
        if candidate.task in winners and gradient is not None:
            self.hold(candidate.task, gradient)

    def chosen(self) -> list[int]:
        """Return the constrained tasks among those offered so far."""
        return constrained(self._candidates, *self._limits)

    def missing(self) -> list[int]:
        """Return the constrained tasks whose rows are not held."""
        return [task for task in self.chosen() if task not in self._held]

    def lend(self, task: int, row: Tensor) -> None:
        """Use `row`, a buffer of the caller, as the row of `task`, without a copy."""
        self._held[task] = row

    def __getitem__(self, task: int) -> Tensor:
        return self._held[task]
