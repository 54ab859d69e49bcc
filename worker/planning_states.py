"""Method state that a merge continues from: that of the head, or the sum of those of two heads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from merging.streaming import Source
from merging.sums import AddedState
from registry.errors import MethodUnavailable
from worker.planning_gram import CONTAINED as GRAM_CONTAINED
from worker.planning_gram import CONTENTS as GRAM_CONTENTS

STATE_CONTENTS: Final[Mapping[str, str]] = {
    "ties": "the sums and counts of the trimmed task vectors",
    "magmax": "the winning values of each entry",
    "opcm": "the mean norm of the task vectors and the scale λ",
    "sums": "the sum of the task vectors",
    "singular_triples": "the leading singular triples of the task vectors",
    "emr": "the sum of the task vectors and the extreme values of each entry",
    "breadcrumbs": "the sum of the masked task vectors",
    "model_stock": "the sums of the task vectors and of their directions",
    "localize_and_stitch": "the sums and counts of the kept entries of the task vectors",
    "consensus": "the sum of the task vectors and how many use each entry",
    "pcb": "the sums of the task vectors and of their weights",
    **GRAM_CONTENTS,
}
"""State family -> what a state of this family holds of every task so far, in words. Methods may share a family."""

_CONTAINED: Final[Mapping[str, frozenset[str]]] = {
    "sums": frozenset({"singular_triples", *GRAM_CONTENTS}),
    **GRAM_CONTAINED,
}
"""State family -> families whose states hold all parts of it, under the same names."""


@dataclass(frozen=True)
class CarriedState:
    """State of earlier merges that a method continues from. All empty for the first merge into a base.

    parts: files by part. scalars: numbers by name. derived: the head is a single checkpoint without a state of this
    family; the planner passes the head as the first incoming checkpoint, from which the method computes the state.
    """

    parts: Mapping[str, Source] = field(default_factory=dict)
    scalars: Mapping[str, float] = field(default_factory=dict)
    derived: bool = False


@dataclass(frozen=True)
class HeadState:
    """What is known about the head beside its weights.

    tasks: number of checkpoints merged so far. single_checkpoint: whether the merged tensors are one checkpoint's,
    unchanged. family: family of the stored state, None if there is none;
    parts opens its files, scalars holds its numbers. description: the
    head in words, for error messages.
    """

    tasks: int = 0
    single_checkpoint: bool = False
    family: str | None = None
    parts: Callable[[], Mapping[str, Source]] = dict
    scalars: Mapping[str, float] = field(default_factory=dict)
    description: str = "the head"

    def carry(self, family: str, method: str) -> CarriedState:
        """The state of this family that the head has or implies. Raises MethodUnavailable if it does neither."""
        if self.family == family or self.family in _CONTAINED.get(family, ()):
            return CarriedState(self.parts(), self.scalars)
        if not self.tasks:
            return CarriedState()
        if self.single_checkpoint:
            return CarriedState(derived=True)
        raise MethodUnavailable(
            f"{method!r} needs {STATE_CONTENTS[family]} of every task so far, which {self.description} does not have "
            "and cannot reconstruct. Continue with a method that needs weights and utilities alone (average, linear, "
            "task_arithmetic, slerp, or ode), or start a lineage from the base and merge its checkpoints there."
        )


def add_states(mine: CarriedState, other: CarriedState, head: HeadState, joined: HeadState) -> CarriedState:
    """The sum of the states of two heads of one base. Raises MethodUnavailable if they cannot be added."""
    if not other.parts:
        raise MethodUnavailable(f"{joined.description} has no stored state that could be added.")
    if not mine.parts:
        return replace(other, derived=mine.derived)
    scalars = {name: value for name, value in other.scalars.items() if name in mine.scalars}
    for name, value in scalars.items():
        if name == "tasks":
            scalars[name] = value + mine.scalars[name]
        elif name != "base_utility" and value != mine.scalars[name]:
            raise MethodUnavailable(
                f"The state of {head.description} has {name} {mine.scalars[name]:g}, that of {joined.description} "
                f"{value:g}: they cannot be added."
            )
    parts = {part: AddedState([mine.parts[part], other.parts[part]]) for part in mine.parts if part in other.parts}
    return CarriedState(parts, scalars)
