"""Method state that is a sum over tasks, one tensor at a time.

With task vectors τ_i = θ_i − θ_pre and weights u_i (utilities), the state holds for every merged tensor

    count   [2]                                 the number of tasks, and Σ u_i
    sum     the tensor's shape, or its matrices   Σ u_i τ_i
    ...     what a method adds for matrices

all in float64. So states of one base add, a task is taken out by its checkpoint with the weight −u, and neither order
nor grouping matters: to 1e-10 relative, and bit by bit where the sums are exact (`exact_sum`). What is no matrix
(`matrices.py`) is averaged: θ_pre + Σ u_i τ_i / (Σ u_i + the base's utility).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from merging.kernels import api as kernels
from merging.matrices import MatrixView, matrix_view
from merging.streaming import (
    CHUNK,
    WEIGHTS,
    Emit,
    Float64,
    Inputs,
    InputTensor,
    NotFinite,
    Source,
    StateTensor,
    TensorSlot,
)
from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes

FORMAT: Final = 1
"""The version of the layout above; a state says its own."""

COUNT, SUM = "count", "sum"

_BLOCK: Final = 1 << 20
"""Elements of a matrix that are read at once: 8 MiB."""


class MomentsTooLarge(ValueError):
    """The second moments of a matrix do not fit into what is allowed for them."""

    def __init__(self, name: str, view: MatrixView, needed: int, allowed: int) -> None:
        super().__init__(
            f"The second moments of {name}, a {view.rows} × {view.columns} matrix, take {needed} bytes, but "
            f'"max_moment_bytes" allows {allowed}. Raise it, or use a method without second moments.'
        )


@dataclass(frozen=True)
class Count:
    """How many tasks are in the sums of a tensor, and their weights' sum; the base's weight apart."""

    tasks: int
    weight: float

    @property
    def start_factor(self) -> float:
        """What makes Σ u τ the plain sum of task vectors, up to their relative weights."""
        return self.tasks / self.weight


@dataclass
class TaskSums:
    """A `TensorMethod` whose state is sums over tasks; subclasses say what they do with matrices.

    weights: of the incoming checkpoints: their utilities; negative to take a task out. base_weight: the base's utility
    in averages. max_moment_bytes: for the moments of one matrix, in float64; about three times as much is in use.
    """

    weights: tuple[float, ...]
    base_weight: float = 0.0
    max_moment_bytes: int = 1 << 31

    def prepare(self, inputs: Inputs) -> None:
        """Raise ValueError unless there is a weight for each checkpoint, and MomentsTooLarge."""
        if len(self.weights) != len(inputs.incoming):
            raise ValueError("every checkpoint has a weight")
        for slot in inputs.slots():
            self.state_tensors(slot)

    def state_tensors(self, slot: TensorSlot) -> Mapping[str, StateTensor]:
        """See the module. Raises MomentsTooLarge."""
        view = self.view_of(slot)
        kept = {COUNT: StateTensor("F64", (2,)), SUM: StateTensor("F64", view.shape if view else slot.shape)}
        if view is None:
            return kept
        needed = self.moment_bytes(view)
        if needed > self.max_moment_bytes:
            raise MomentsTooLarge(slot.name, view, needed, self.max_moment_bytes)
        return kept | {part: StateTensor("F64", shape) for part, shape in self.moment_shapes(view).items()}

    def view_of(self, slot: TensorSlot) -> MatrixView | None:
        """The tensor as matrices; None where it is averaged."""
        return matrix_view(slot.name, slot.shape, slot.dtype)

    def moment_shapes(self, view: MatrixView) -> Mapping[str, tuple[int, ...]]:
        """The parts that hold the moments of matrices, and their shapes."""
        raise NotImplementedError

    def moment_bytes(self, view: MatrixView) -> int:
        """Bytes of the moments of one matrix, unpacked, in float64."""
        raise NotImplementedError

    def merge_matrices(self, slot: TensorSlot, view: MatrixView, count: Count, emit: Emit) -> None:
        """Emit the merged tensor, its sum and its moments."""
        raise NotImplementedError

    def merge_tensor(self, slot: TensorSlot, emit: Emit) -> None:
        """Add the incoming task vectors to the sums, and merge."""
        count = self.count(slot)
        emit(COUNT, np.array([count.tasks, count.weight]))
        view = self.view_of(slot)
        if view is None:
            self._average(slot, count, emit)
        else:
            self.merge_matrices(slot, view, count, emit)

    def weighted(self, slot: TensorSlot) -> list[tuple[float, int, InputTensor]]:
        """The incoming tensors with their weights and the indices of their checkpoints."""
        return [(self.weights[index], index, flat) for index, flat in slot.incoming]

    def count(self, slot: TensorSlot) -> Count:
        """The tasks in this tensor's sums, the incoming ones included. Raises ValueError below none."""
        before = slot.parts[COUNT].read(slice(0, 2)) if COUNT in slot.parts else np.zeros(2)
        weights = [weight for weight, _, _ in self.weighted(slot)]
        tasks = round(before[0]) + sum(1 if weight > 0 else -1 for weight in weights)
        if tasks < 0:
            raise ValueError(f"{slot.name} has fewer tasks in its sums than are to be taken out")
        # Summed exactly, so that what was taken out leaves nothing.
        return Count(tasks, math.fsum([before[1], *weights]) if tasks else 0.0)

    def _average(self, slot: TensorSlot, count: Count, emit: Emit) -> None:
        room = np.empty(min(CHUNK, slot.size), NUMPY_DTYPES[slot.dtype])
        share = 1.0 / (count.weight + self.base_weight) if count.tasks else 0.0
        for span in slot.spans():
            base = slot.base.read(span)
            total = slot.parts[SUM].read(span) if SUM in slot.parts else np.zeros(base.size)
            for weight, _, flat in self.weighted(slot):
                kernels.add_scaled(total, flat.difference(span, base), weight)
            if not count.tasks:
                total[:] = 0.0
            emit(SUM, total)
            kernels.add_scaled(base, total, share)
            merged = room[: base.size]
            slot.round(base, merged)
            emit(WEIGHTS, merged)


def row_blocks(view: MatrixView) -> Iterator[slice]:
    """The rows of one of the matrices, some at a time."""
    height = max(1, _BLOCK // view.columns)
    return (slice(start, min(start + height, view.rows)) for start in range(0, view.rows, height))


def read_rows(flat: InputTensor, view: MatrixView, block: int, rows: slice) -> Float64:
    """Rows of one of a tensor's matrices, [rows, columns]. Raises NotFinite."""
    elements = np.ascontiguousarray(view.apply(flat.stored.elements)[block, rows])
    out = np.empty(elements.shape)
    if not kernels.widen(elements.reshape(-1), 1.0, out.reshape(-1)):
        raise NotFinite(flat.name, flat.where)
    return out


class MatrixWriter:
    """Rounds merged rows and emits them in the tensor's order: at once, or at the end where it is transposed."""

    def __init__(self, slot: TensorSlot, view: MatrixView, emit: Emit) -> None:
        self._slot, self._view, self._emit = slot, view, emit
        self._whole = np.empty(slot.size, NUMPY_DTYPES[slot.dtype]) if view.transposed else None

    def put(self, block: int, rows: slice, values: Float64) -> None:
        """Take the next merged rows, [rows, columns]; they come in order. Raises NotFinite."""
        rounded = np.empty(values.size, NUMPY_DTYPES[self._slot.dtype])
        self._slot.round(np.ascontiguousarray(values).reshape(-1), rounded)
        if self._whole is None:
            self._emit(WEIGHTS, rounded)
        else:
            self._view.apply(self._whole)[block, rows] = rounded.reshape(values.shape)

    def finish(self) -> None:
        """Emit what waits."""
        if self._whole is not None:
            self._emit(WEIGHTS, self._whole)


def exact_sum(term: Tensor, unit: float) -> None:
    """Round a term of a sum, in slot, to multiples of unit, a power of two.

    Float64 sums of such terms are exact in any order while they stay below 2^53 units, and exact to rounding beyond.
    """
    term.mul_(1.0 / unit).round_().mul_(unit)


class AddedState:
    """One part of the states of several lineages of one base, as a `Source`: their sum, tensor by tensor."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    @property
    def names(self) -> Sequence[str]:
        """In the order of the first."""
        return self._sources[0].names

    def __contains__(self, name: object) -> bool:
        return all(name in source for source in self._sources)

    def tensor(self, name: str) -> TensorBytes:
        """The sum, in memory. Raises ValueError where the states differ in shape or dtype."""
        first, *others = (source.tensor(name) for source in self._sources)
        total: NDArray[Any] = first.elements
        for other in others:
            if (other.dtype, other.shape) != (first.dtype, first.shape):
                message = (
                    f"{name} is {other.dtype} {other.shape} in one state and {first.dtype} {first.shape} in the other"
                )
                raise ValueError(message)
            total = total + other.elements
        return TensorBytes(first.dtype, first.shape, total)
