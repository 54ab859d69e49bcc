"""Iso-C: give the sum of all task vectors a flat spectrum.

S = U Σ Vᵀ becomes mean(σ) U Vᵀ: exact continually, because S is all that the result depends on.
Source: "No task left behind: isotropic model merging with common and task-specific subspaces", arXiv 2502.04959,
section 4.1.
"""

from dataclasses import dataclass

import numpy as np

from merging.matrix_method import Matrix, MatrixMethod
from merging.streaming import Emit, Float64
from merging.sums import Count
from merging.thin_svd import present, thin_svd


@dataclass
class IsoC(MatrixMethod):
    """One merge by Iso-C. The state is S."""

    def solve(self, matrix: Matrix, total: Float64, count: Count, emit: Emit) -> Float64:  # noqa: ARG002
        """S with a flat spectrum."""
        return isotropic(total) if count.tasks > 1 else total


def isotropic(total: Float64) -> Float64:
    """mean(σ) U Vᵀ of S, [rows, columns]; the spectrum has min(rows, columns) values, zeros included.

    Directions that S lacks are left out: U Vᵀ is not unique there.
    """
    left, values, right = thin_svd(total)
    kept = present(values, total.shape)
    return np.asarray(values.mean() * (left[:, kept] @ right[kept]))
