"""Methods of sums that treat matrices and other tensors differently: S = Σ τ is kept, other tensors are averaged."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from merging.matrices import MatrixView, matrix_view
from merging.running_sums import SUM, RunningSum
from merging.streaming import CHUNK, WEIGHTS, Emit, Float64, Inputs, Place, StateTensor
from merging.tensor_bytes import CARRIERS


@dataclass
class MatrixMethod(ABC):
    """A `TensorMethod` that keeps S of every tensor and solves each matrix by itself.

    tasks: T, how many task vectors S has after this merge. scaling: the share of a matrix's merged task vector that is
    added to the base; other tensors get θ_pre + S/T. remove: the checkpoints are taken out of S instead.
    """

    tasks: int
    scaling: float = 1.0
    remove: bool = False
    _incoming: int = 0

    def state_tensors(self, place: Place) -> Mapping[str, StateTensor]:
        """S, and what `matrix_state` adds."""
        view = view_of(place)
        extra = {} if view is None else self.matrix_state(place, view)
        return {SUM: StateTensor("F64", place.shape), **extra}

    def matrix_state(self, place: Place, view: MatrixView) -> Mapping[str, StateTensor]:  # noqa: ARG002
        """What is kept of a matrix beside S."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Count the checkpoints."""
        self._incoming = len(inputs.incoming)

    def merge_tensor(self, place: Place, emit: Emit) -> None:
        """θ_pre + scaling · the solution of each matrix; θ_pre + S/T elsewhere. Raises NotFinite."""
        view = view_of(place)
        if view is None:
            self._average(place, emit)
            return
        total = np.empty(place.size)
        running = RunningSum(place, SUM)
        for span in place.spans():
            total[span] = self._add(place, running, span)
        emit(SUM, total)
        update = np.empty(place.size)
        self.solve(place, view, view.of(total), view.of(update), emit)
        emit_update(place, update, self.scaling, emit)

    @abstractmethod
    def solve(self, place: Place, view: MatrixView, total: Float64, update: Float64, emit: Emit) -> None:
        """Fill update with the merged task vectors, emit what `matrix_state` names. Both [blocks, rows, columns]."""

    def _average(self, place: Place, emit: Emit) -> None:
        running = RunningSum(place, SUM)
        merged = np.empty(min(CHUNK, place.size), CARRIERS[place.dtype])
        for span in place.spans():
            total = self._add(place, running, span)
            out = merged[: total.size]
            place.round(place.base.read(span) + total / max(self.tasks, 1), out)
            emit(WEIGHTS, out)
            emit(SUM, total)

    def _add(self, place: Place, running: RunningSum, span: slice) -> Float64:
        total = running.start(span)
        base = place.base.read(span)
        for _, flat in place.incoming:
            tau = flat.difference(span, base)
            total += np.negative(tau, out=tau) if self.remove else tau
        return total


def view_of(place: Place) -> MatrixView | None:
    """The tensor as matrices; None where it is none."""
    return matrix_view(place.name, place.shape, place.dtype)


def emit_update(place: Place, update: Float64, scaling: float, emit: Emit) -> None:
    """Emit θ_pre + scaling · update, rounded once. update: [n]. Raises NotFinite."""
    merged = np.empty(min(CHUNK, place.size), CARRIERS[place.dtype])
    for span in place.spans():
        out = merged[: span.stop - span.start]
        place.round(place.base.read(span) + scaling * update[span], out)
        emit(WEIGHTS, out)


def task_vector(place: Place, index: int) -> Float64 | None:
    """The whole task vector of checkpoint `index`, [n]; None where it lacks the tensor. Raises NotFinite."""
    flat = dict(place.incoming).get(index)
    if flat is None:
        return None
    tau = np.empty(place.size)
    for span in place.spans():
        flat.difference(span, place.base.read(span), tau[span])
    return tau
