"""Methods that solve each matrix by itself from S = Σ u τ, and average other tensors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from merging.matrices import MatrixView
from merging.streaming import Emit, Float64, StateTensor, TensorSlot
from merging.sums import SUM, Count, MatrixWriter, TaskSums, read_rows, row_blocks


@dataclass(frozen=True)
class Matrix:
    """One matrix of a tensor: number `block` of the view's."""

    slot: TensorSlot
    view: MatrixView
    block: int


@dataclass
class MatrixMethod(TaskSums):
    """A method whose state is the sums of `TaskSums`, and what `matrix_state` adds for matrices.

    scale: of the merged matrices from the second task on; the first checkpoint is taken as it is.
    """

    scale: float = 1.0

    def matrix_state(self, slot: TensorSlot, view: MatrixView) -> Mapping[str, StateTensor]:  # noqa: ARG002
        """What is kept of a tensor's matrices beside S; the first axis is that of the matrices."""
        return {}

    def solve(self, matrix: Matrix, total: Float64, count: Count, emit: Emit) -> Float64:
        """The merged task vector of a matrix, [rows, columns]. Emits the matrix's share of `matrix_state`.

        total: Σ τ, [rows, columns], or with unequal weights T Σ u τ / Σ u.
        """
        raise NotImplementedError

    def moment_shapes(self, view: MatrixView) -> Mapping[str, tuple[int, ...]]:  # noqa: ARG002
        """None."""
        return {}

    def moment_bytes(self, view: MatrixView) -> int:  # noqa: ARG002
        """None."""
        return 0

    def state_tensors(self, slot: TensorSlot) -> Mapping[str, StateTensor]:
        """The sums, and `matrix_state`."""
        view = self.view_of(slot)
        extra = {} if view is None else self.matrix_state(slot, view)
        return {**super().state_tensors(slot), **extra}

    def merge_matrices(self, slot: TensorSlot, view: MatrixView, count: Count, emit: Emit) -> None:
        """Add to S and solve, one matrix after the other. Raises NotFinite."""
        writer = MatrixWriter(slot, view, emit)
        for block in range(view.blocks):
            matrix = Matrix(slot, view, block)
            total = self._sum(matrix, count)
            emit(SUM, total.reshape(-1))
            total *= count.start_factor if count.tasks else 0.0
            update = total
            if count.tasks > 1:
                update = self.solve(matrix, total, count, emit)
                update *= self.scale
            else:
                self.solve(matrix, total, count, emit)
            del total
            for rows in row_blocks(view):
                writer.put(block, rows, read_rows(slot.base, view, block, rows) + update[rows])
        writer.finish()

    def _sum(self, matrix: Matrix, count: Count) -> Float64:
        slot, view = matrix.slot, matrix.view
        total = np.zeros((view.rows, view.columns))
        if not count.tasks:
            return total
        if SUM in slot.parts:
            total[:] = read_block(matrix, SUM, total.shape)
            slot.parts[SUM].release()
        for (weight, _, _), tau in zip(self.weighted(slot), task_matrices(matrix), strict=True):
            total += weight * tau
        return total


def task_matrices(matrix: Matrix) -> Iterator[Float64]:
    """The incoming task vectors' part, [rows, columns], one after the other. Raises NotFinite."""
    slot, view, block = matrix.slot, matrix.view, matrix.block
    for _, flat in slot.incoming:
        tau = np.empty((view.rows, view.columns))
        for rows in row_blocks(view):
            np.subtract(read_rows(flat, view, block, rows), read_rows(slot.base, view, block, rows), out=tau[rows])
        yield tau


def read_block(matrix: Matrix, part: str, shape: Sequence[int]) -> Float64:
    """The matrix's share of a part of the state before, in this shape. Raises NotFinite."""
    size = int(np.prod(shape))
    return matrix.slot.parts[part].read(slice(matrix.block * size, (matrix.block + 1) * size)).reshape(shape)
