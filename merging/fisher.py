"""Fisher merging: the mean of parameters, each weighted by how much its task's loss curves there.

θ = Σ u c F θ_i / Σ u c F with the diagonal Fisher information F of each task at its own checkpoint, and c = 1 / ‖F‖
over all tensors that have one, so that tasks weigh the same; 1e-6 is added to F, so that zeros leave the mean. Tensors
without a Fisher information are averaged.
Source: arXiv 2111.09832, equation 5 and appendix A (the normalisation).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from merging.kernels import api as kernels
from merging.streaming import CHUNK, WEIGHTS, Emit, Float64, Inputs, InputTensor, Source, StateTensor, TensorSlot, dot
from merging.sums import COUNT, TaskSums
from merging.tensor_bytes import NUMPY_DTYPES

FAMILY: Final = "fisher"

INFORMATION, WEIGHTED = "information", "weighted"
"""The parts Σ u c F and Σ u c F τ, of the tensors' shapes."""

MINIMAL: Final = 1e-6
"""Added to F and to its norm. Source: the authors' code."""


@dataclass
class Fisher(TaskSums):
    """The method. information: for each checkpoint, F by the names of the tensors, of their shapes and at least 0."""

    information: Sequence[Source] = ()
    _shares: tuple[float, ...] = field(default=(), init=False)

    def prepare(self, inputs: Inputs) -> None:
        """Find c for each checkpoint. Raises ValueError on shapes, NotFinite."""
        super().prepare(inputs)
        if len(self.information) != len(self.weights):
            raise ValueError("every checkpoint has a Fisher information")
        squares = [0.0] * len(self.weights)
        for slot in inputs.slots():
            for index, _ in slot.incoming:
                if (flat := self._information(slot, index)) is not None:
                    for span in slot.spans():
                        values = flat.read(span)
                        squares[index] += dot(values, values)
        self._shares = tuple(1.0 / (math.sqrt(square) + MINIMAL) for square in squares)

    def state_tensors(self, slot: TensorSlot) -> Mapping[str, StateTensor]:
        """Count, Σ u c F and Σ u c F τ."""
        whole = StateTensor("F64", slot.shape)
        return {COUNT: StateTensor("F64", (2,)), INFORMATION: whole, WEIGHTED: whole}

    def merge_tensor(self, slot: TensorSlot, emit: Emit) -> None:
        """Add the incoming terms to the sums, and divide."""
        count = self.count(slot)
        emit(COUNT, np.array([count.tasks, count.weight]))
        known = {index: self._information(slot, index) for index, _ in slot.incoming}
        room = np.empty(min(CHUNK, slot.size), NUMPY_DTYPES[slot.dtype])
        for span in slot.spans():
            base = slot.base.read(span)
            information, total = self._before(slot, INFORMATION, span), self._before(slot, WEIGHTED, span)
            for weight, index, flat in self.weighted(slot):
                term = np.full(base.size, weight)
                if (fisher := known[index]) is not None:
                    term *= self._shares[index] * (fisher.read(span) + MINIMAL)
                information += term
                total += term * flat.difference(span, base)
            if not count.tasks:
                information[:] = total[:] = 0.0
            emit(INFORMATION, information)
            emit(WEIGHTED, total)
            kernels.add_scaled(base, np.divide(total, information, where=information > 0.0, out=total), 1.0)
            slot.round(base, room[: base.size])
            emit(WEIGHTS, room[: base.size])

    def _information(self, slot: TensorSlot, index: int) -> InputTensor | None:
        source = self.information[index]
        if slot.name not in source:
            return None
        raw = source.tensor(slot.name)
        if raw.shape != slot.shape:
            raise ValueError(f"the Fisher information of {slot.name} has shape {raw.shape}, expected {slot.shape}")
        return InputTensor(slot.name, "the Fisher information", raw)

    @staticmethod
    def _before(slot: TensorSlot, part: str, span: slice) -> Float64:
        if part not in slot.parts:
            return np.zeros(span.stop - span.start)
        return slot.parts[part].read(span).copy()
