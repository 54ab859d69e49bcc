"""The leading singular triples of each task vector: the state of TSV-M, DC-Merge and Iso-CTS.

With T tasks, each one's ⌊r/T⌋ leading triples of a matrix of rank r are kept. As T grows that number falls, and what is
kept is a prefix of what was kept before: truncating a stored decomposition equals truncating a fresh one, so the store
is exact, and it never holds more than r triples.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from merging.matrices import MatrixView
from merging.matrix_method import MatrixMethod, task_vector
from merging.streaming import Emit, Float64, Place, StateTensor
from merging.tensor_bytes import CARRIERS
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


def kept_triples(rows: int, columns: int, tasks: int) -> int:
    """⌊r/T⌋, r = min(rows, columns)."""
    return min(rows, columns) // tasks


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
    smaller rank than there are tasks is averaged.
    """

    def matrix_state(self, place: Place, view: MatrixView) -> Mapping[str, StateTensor]:
        """Room for r triples of each matrix."""
        rank, dtype = min(view.rows, view.columns), stored_dtype(place)
        return {
            LEFT: StateTensor(dtype, (view.blocks, view.rows, rank)),
            VALUES: StateTensor(dtype, (view.blocks, rank)),
            RIGHT: StateTensor(dtype, (view.blocks, rank, view.columns)),
        }

    def solve(self, place: Place, view: MatrixView, total: Float64, update: Float64, emit: Emit) -> None:
        """Merge the triples of all tasks, matrix by matrix."""
        shapes = self.matrix_state(place, view)
        store = {part: np.zeros(tensor.shape, CARRIERS[tensor.dtype]) for part, tensor in shapes.items()}
        count = kept_triples(view.rows, view.columns, self.tasks)
        vectors = [task_vector(place, index) for index in range(self._incoming)]
        for block in range(view.blocks):
            if not count:
                update[block] = total[block] / (self.tasks * self.scaling)
                continue
            new = [view.of(vector)[block] if vector is not None else None for vector in vectors]
            self._store(place, view, block, new, store)
            used = self.tasks * count
            kept = Triples(
                store[LEFT][block, :, :used].astype(np.float64),
                store[VALUES][block, :used].astype(np.float64),
                store[RIGHT][block, :used].astype(np.float64),
            )
            update[block] = self.combine(total[block], cut(kept, self.tasks))
        for part, values in store.items():
            emit(part, values.reshape(-1))

    @abstractmethod
    def combine(self, total: Float64, tasks: "Sequence[Triples]") -> Float64:
        """The merged task vector of one matrix, [rows, columns]. total: its S."""

    def _store(
        self,
        place: Place,
        view: MatrixView,
        block: int,
        new: Sequence[Float64 | None],
        store: Mapping[str, Float64],
    ) -> None:
        """Write the triples of the earlier tasks and those of the new ones into the store."""
        count = kept_triples(view.rows, view.columns, self.tasks)
        before = self.tasks - self._incoming
        tasks: list[Triples | None] = []
        if before:
            old = kept_triples(view.rows, view.columns, before)
            left, values, right = (read_part(place, part)[block] for part in (LEFT, VALUES, RIGHT))
            used = before * old
            tasks.extend(
                each.leading(count) for each in cut(Triples(left[:, :used], values[:used], right[:used]), before)
            )
        tasks.extend(None if tau is None else decompose(tau, count) for tau in new)
        for number, task in enumerate(tasks):
            if task is not None:
                span = slice(number * count, (number + 1) * count)
                store[LEFT][block, :, span] = task.left
                store[VALUES][block, span] = task.values
                store[RIGHT][block, span] = task.right


def read_part(place: Place, part: str) -> Float64:
    """A part of the state before this merge, in its shape. Raises NotFinite."""
    flat = place.parts[part]
    return flat.read(slice(0, flat.raw.flat.size)).reshape(flat.raw.shape)


def stored_dtype(place: Place) -> str:
    """The dtype of stored triples."""
    return "F64" if place.dtype == "F64" else "F32"


def cut(triples: Triples, tasks: int) -> list[Triples]:
    """The triples of each task, where all have the same number and stand one after another."""
    count = triples.left.shape[1] // tasks
    spans = [slice(number * count, (number + 1) * count) for number in range(tasks)]
    return [Triples(triples.left[:, span], triples.values[span], triples.right[span]) for span in spans]
