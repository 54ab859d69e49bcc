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
from merging.streaming import CHUNK, WEIGHTS, Emit, Flat, Float64, Inputs, Place, Source, StateTensor, dot
from merging.sums import COUNT, TaskSums
from merging.tensor_bytes import CARRIERS

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
        for place in inputs.places():
            for index, _ in place.incoming:
                if (flat := self._information(place, index)) is not None:
                    for span in place.spans():
                        values = flat.read(span)
                        squares[index] += dot(values, values)
        self._shares = tuple(1.0 / (math.sqrt(square) + MINIMAL) for square in squares)

    def state_tensors(self, place: Place) -> Mapping[str, StateTensor]:
        """Count, Σ u c F and Σ u c F τ."""
        whole = StateTensor("F64", place.shape)
        return {COUNT: StateTensor("F64", (2,)), INFORMATION: whole, WEIGHTED: whole}

    def merge_tensor(self, place: Place, emit: Emit) -> None:
        """Add the incoming terms to the sums, and divide."""
        count = self.count(place)
        emit(COUNT, np.array([count.tasks, count.weight]))
        known = {index: self._information(place, index) for index, _ in place.incoming}
        room = np.empty(min(CHUNK, place.size), CARRIERS[place.dtype])
        for span in place.spans():
            base = place.base.read(span)
            information, total = self._before(place, INFORMATION, span), self._before(place, WEIGHTED, span)
            for weight, index, flat in self.weighted(place):
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
            place.round(base, room[: base.size])
            emit(WEIGHTS, room[: base.size])

    def _information(self, place: Place, index: int) -> Flat | None:
        source = self.information[index]
        if place.name not in source:
            return None
        raw = source.raw(place.name)
        if raw.shape != place.shape:
            raise ValueError(f"the Fisher information of {place.name} has shape {raw.shape}, expected {place.shape}")
        return Flat(place.name, "the Fisher information", raw)

    @staticmethod
    def _before(place: Place, part: str, span: slice) -> Float64:
        if part not in place.parts:
            return np.zeros(span.stop - span.start)
        return place.parts[part].read(span).copy()
