"""The leading singular triples of each task vector: the state of TSV-M, DC-Merge and Iso-CTS.

With T tasks, each one's ⌊r/T⌋ leading triples of a matrix of rank r are kept. As T grows that number falls, and what is
kept is a prefix of what was kept before: truncating a stored decomposition equals truncating a fresh one, so the store
is exact, and it never holds more than r triples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.matrices import MatrixView
from merging.matrix_method import Matrix, MatrixMethod, read_block, task_matrices
from merging.streaming import Emit, Float64, Inputs, StateTensor, TensorSlot
from merging.sums import Count
from merging.tensor_bytes import NUMPY_DTYPES
from merging.thin_svd import present, thin_svd

LEFT: Final = "left_vectors"
VALUES: Final = "singular_values"
RIGHT: Final = "right_vectors"

_ABSENT: Final = 1e-10
"""Singular values of a concatenation below this share of the largest count as zero: the directions are linearly
dependent."""


@dataclass(frozen=True)
class Triples:
    """Singular triples of one matrix, largest first: left [rows, n], values [n], right [n, columns]."""

    left: Float64
    values: Float64
    right: Float64

    def leading(self, count: int) -> "Triples":
        """The first `count` of them."""
        return Triples(self.left[:, :count], self.values[:count], self.right[:count])


def decompose(matrix: Float64, count: int) -> Triples:
    """The `count` leading singular triples of a matrix, [rows, columns].

    Directions that the matrix lacks, to float64's precision, are zero vectors: they would be arbitrary.
    """
    left, values, right = thin_svd(matrix)
    absent = ~present(values, matrix.shape)
    left[:, absent], values[absent], right[absent] = 0.0, 0.0, 0.0
    return Triples(left, values, right).leading(count)


def joined(tasks: Sequence[Triples]) -> Triples:
    """The triples of all tasks, one task after another."""
    return Triples(
        np.concatenate([each.left for each in tasks], axis=1),
        np.concatenate([each.values for each in tasks]),
        np.concatenate([each.right for each in tasks], axis=0),
    )


def polar(matrix: Float64) -> Float64:
    """The orthogonal polar factor U Vᵀ of U Σ Vᵀ: the nearest matrix with orthonormal columns (rows, if it is wide).

    Directions that are linearly dependent are left out, where the factor is not unique.
    """
    left, values, right = thin_svd(matrix)
    independent = values > _ABSENT * values[0]
    return np.asarray(left[:, independent] @ right[independent])


@dataclass
class TripleMethod(MatrixMethod):
    """A method whose state is S and the leading singular triples of each task vector of each matrix.

    The store has room for r triples, of which T ⌊r/T⌋ are used, one task after another; the rest is zero. float32, or
    float64 where the base is: each triple is rounded once, when its task arrives, and only ever dropped. A matrix of
    smaller rank than there are tasks is averaged. Tasks weigh the same; none can be taken out.
    """

    def prepare(self, inputs: Inputs) -> None:
        """Raise ValueError where a task is to be taken out."""
        if any(weight <= 0 for weight in self.weights):
            raise ValueError("truncated singular triples cannot give a task back, so it cannot be taken out")
        super().prepare(inputs)

    def matrix_state(self, slot: TensorSlot, view: MatrixView) -> Mapping[str, StateTensor]:
        """Room for r triples of each matrix."""
        rank, dtype = min(view.rows, view.columns), "F64" if slot.dtype == "F64" else "F32"
        return {
            LEFT: StateTensor(dtype, (view.blocks, view.rows, rank)),
            VALUES: StateTensor(dtype, (view.blocks, rank)),
            RIGHT: StateTensor(dtype, (view.blocks, rank, view.columns)),
        }

    def solve(self, matrix: Matrix, total: Float64, count: Count, emit: Emit) -> Float64:
        """Merge the triples of all tasks."""
        store = self._store(matrix, total.shape, count)
        for part, values in zip((LEFT, VALUES, RIGHT), store, strict=True):
            emit(part, values.reshape(-1))
        kept = min(total.shape) // max(count.tasks, 1)
        if count.tasks < 2 or not kept:
            return total / max(count.tasks, 1)
        used = count.tasks * kept
        left, values, right = store
        triples = Triples(*(part.astype(np.float64) for part in (left[:, :used], values[:used], right[:used])))
        del store, left, values, right
        return self.combine(total, triples, kept)

    def combine(self, total: Float64, triples: Triples, each: int) -> Float64:
        """The merged task vector of one matrix, [rows, columns].

        total: its S. triples: those of all tasks, one task after another, `each` for each.
        """
        raise NotImplementedError

    def _store(self, matrix: Matrix, shape: tuple[int, ...], count: Count) -> tuple[NDArray[Any], ...]:
        """Left vectors, values and right vectors as they are stored, the earlier tasks' first."""
        rows, columns = shape
        rank = min(rows, columns)
        kept = rank // max(count.tasks, 1)
        dtype = NUMPY_DTYPES[self.matrix_state(matrix.slot, matrix.view)[LEFT].dtype]
        left, values, right = np.zeros((rows, rank), dtype), np.zeros(rank, dtype), np.zeros((rank, columns), dtype)
        for number, task in enumerate(self._tasks(matrix, rank, count, kept) if kept else ()):
            span = slice(number * kept, (number + 1) * kept)
            left[:, span], values[span], right[span] = task.left, task.values, task.right
        for part in (LEFT, VALUES, RIGHT):
            if part in matrix.slot.parts:
                matrix.slot.parts[part].release()
        return left, values, right

    @staticmethod
    def _tasks(matrix: Matrix, rank: int, count: Count, kept: int) -> Iterator[Triples]:
        """The `kept` leading triples of each task, the earlier ones first."""
        rows, columns = matrix.view.rows, matrix.view.columns
        before = count.tasks - len(matrix.slot.incoming)
        if before:
            shapes = {LEFT: (rows, rank), VALUES: (rank,), RIGHT: (rank, columns)}
            stored = Triples(*(read_block(matrix, part, shape) for part, shape in shapes.items()))
            for task in cut(stored, rank // before, before):
                yield task.leading(kept)
        for tau in task_matrices(matrix):
            yield decompose(tau, kept)


def cut(triples: Triples, count: int, tasks: int) -> list[Triples]:
    """The triples of each task, which stand one task after another, `count` for each."""
    spans = [slice(number * count, (number + 1) * count) for number in range(tasks)]
    return [Triples(triples.left[:, span], triples.values[span], triples.right[span]) for span in spans]
