"""Iso-CTS: a flat spectrum over the common subspace of all task vectors and the directions of each task outside it.

The common subspace are the leading left singular vectors of S; each task gives the leading triples of what lies outside
it. Both are orthogonalised together and get the mean of all their singular values. The published method takes each
whole task vector; here, continually, its ⌊r/T⌋ leading singular triples stand for it: an approximation.
Source: "No task left behind: isotropic model merging with common and task-specific subspaces", arXiv 2502.04959,
section 4.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import qr

from merging.singular_triples import TripleMethod, Triples, cut, joined, polar
from merging.streaming import Float64
from merging.thin_svd import thin_svd

APPROXIMATION: Final = (
    "Each task vector's directions outside the common subspace were found in its leading singular triples, as many as "
    "the matrix's rank divided by the number of tasks; the published method finds them in the whole task vector."
)


@dataclass
class IsoCts(TripleMethod):
    """One merge by Iso-CTS. common: the share of a matrix's rank that the common subspace has."""

    common: float = 0.8

    def combine(self, total: Float64, triples: Triples, each: int) -> Float64:
        """The common subspace and the tasks' own directions, with one singular value for all."""
        return isotropic_with_tasks(total, cut(triples, each, triples.values.size // each), self.common)


def isotropic_with_tasks(total: Float64, tasks: Sequence[Triples], common: float) -> Float64:
    """The merged task vector, [rows, columns]. total: S. common: the share of the rank that the common subspace has."""
    rank = min(total.shape)
    each = round((rank - int(rank * common)) / len(tasks))
    shared = rank - each * len(tasks)
    left, values, right = thin_svd(total)
    whole = Triples(left, values, right).leading(shared)
    triples = joined([*(_outside(task, whole.left, each) for task in tasks), whole])
    mean = triples.values.sum() / rank
    return np.asarray(mean * (polar(triples.left) @ polar(triples.right)))


def _outside(task: Triples, common: Float64, count: int) -> Triples:
    """The leading triples of (I − U_c U_cᵀ) times a matrix that is given by its triples."""
    rest = (task.left - common @ (common.T @ task.left)) * task.values
    basis, triangle = qr(rest, mode="economic", check_finite=False)
    left, values, right = thin_svd(triangle)
    return Triples(basis @ left, values, right @ task.right).leading(count)
