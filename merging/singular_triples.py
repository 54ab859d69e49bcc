"""The leading singular triples of each task vector: the state of TSV-M, DC-Merge and Iso-CTS.

With T tasks, each one's ⌊r/T⌋ leading triples of a matrix of rank r are kept. As T grows that number falls, and what is
kept is a prefix of what was kept before: truncating a stored decomposition equals truncating a fresh one, so the store is
exact, and it never holds more than r triples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import svd

from merging.streaming import Float64

_ABSENT: Final = 1e-10
"""Singular values of a concatenation below this share of the largest count as zero: the directions are linearly dependent."""


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
    """The `count` leading singular triples of a matrix, [rows, columns], which may be overwritten.

    A zero matrix has triples with zero values along the first coordinates.
    """
    left, values, right = svd(matrix, full_matrices=False, overwrite_a=True, check_finite=False)
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
    left, values, right = svd(matrix, full_matrices=False, check_finite=False)
    present = values > _ABSENT * values[0] if values.size else values > 0
    return np.asarray(left[:, present] @ right[present])
