"""Model Stock: the mean of all task vectors, shrunk towards the base by how little they agree.

θ_pre + t · S/T, t = T c / (1 + (T − 1) c), c the mean cosine of all pairs of task vectors of a tensor. With D = Σ
τ/‖τ‖, c = (‖D‖² − T') / (T (T − 1)), T' the number of task vectors that are not zero: S, D and T' are all that the
result depends on, so it is exact continually. Meant for checkpoints of one task: those of unrelated tasks are nearly
orthogonal, and t is then close to 0.
Source: "Model Stock: all we need is just a few fine-tuned models", arXiv 2403.19522, section 4.2; for more than two
checkpoints the mean cosine, as in mergekit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from merging.running_sums import SUM, RunningSum
from merging.streaming import CHUNK, WEIGHTS, Emit, Float64, Inputs, StateTensor, TensorSlot, dot
from merging.tensor_bytes import NUMPY_DTYPES

DIRECTIONS: Final = "directions"
NONZERO: Final = "nonzero"


@dataclass
class ModelStock:
    """One merge by Model Stock; t is found for each tensor.

    tasks: T, how many task vectors the sums have after this merge. remove: take the checkpoints out again.
    ratios: t by tensor, once they are merged.
    """

    tasks: int
    remove: bool = False
    ratios: dict[str, float] = field(default_factory=dict)

    def state_tensors(self, slot: TensorSlot) -> Mapping[str, StateTensor]:
        """S, D and T'."""
        sums = StateTensor("F64", slot.shape)
        return {SUM: sums, DIRECTIONS: sums, NONZERO: StateTensor("F64", ())}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def merge_tensor(self, slot: TensorSlot, emit: Emit) -> None:
        """θ_pre + t S/T. Raises NotFinite."""
        sign = -1.0 if self.remove else 1.0
        norms = [self._norm(slot, number) for number in range(len(slot.incoming))]
        weights = [sign / norm if norm else 0.0 for norm in norms]
        nonzero = sum(sign for norm in norms if norm)
        if NONZERO in slot.parts:
            nonzero += float(slot.parts[NONZERO].read(slice(0, 1))[0])
        running, total = RunningSum(slot, DIRECTIONS), RunningSum(slot, SUM)
        squares = 0.0
        for span in slot.spans():
            directions = self._add(slot, running, span, weights)
            squares += dot(directions, directions)
            emit(DIRECTIONS, directions)
        emit(NONZERO, np.array([nonzero]))
        ratio = interpolation(mean_cosine(squares, nonzero, self.tasks), self.tasks)
        self.ratios[slot.name] = ratio
        merged = np.empty(min(CHUNK, slot.size), NUMPY_DTYPES[slot.dtype])
        for span in slot.spans():
            sums = self._add(slot, total, span, [sign] * len(norms))
            out = merged[: sums.size]
            slot.round(slot.base.read(span) + (ratio / max(self.tasks, 1)) * sums, out)
            emit(WEIGHTS, out)
            emit(SUM, sums)

    @staticmethod
    def _norm(slot: TensorSlot, number: int) -> float:
        flat = slot.incoming[number][1]
        squares = 0.0
        for span in slot.spans():
            tau = flat.difference(span, slot.base.read(span))
            squares += dot(tau, tau)
        return math.sqrt(squares)

    @staticmethod
    def _add(slot: TensorSlot, running: RunningSum, span: slice, weights: list[float]) -> Float64:
        """The sum so far plus the weighted task vectors."""
        values, base = running.start(span), slot.base.read(span)
        for weight, (_, flat) in zip(weights, slot.incoming, strict=True):
            values += weight * flat.difference(span, base)
        return values


def mean_cosine(squares: float, nonzero: float, tasks: int) -> float:
    """c, from ‖D‖², T' and T; 1 for a single task."""
    return 1.0 if tasks <= 1 else (squares - nonzero) / (tasks * (tasks - 1))


def interpolation(cosine: float, tasks: int) -> float:
    """t, held between 0 (the base) and 1 (the mean): negative cosines would step behind the base, without a bound."""
    cosine = min(max(cosine, 0.0), 1.0)
    return tasks * cosine / (1.0 + (tasks - 1) * cosine)
