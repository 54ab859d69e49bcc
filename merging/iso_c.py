"""Iso-C: give the sum of all task vectors a flat spectrum.

S = U Σ Vᵀ becomes mean(σ) U Vᵀ: exact continually, because S is all that the result depends on.
Source: "No task left behind: isotropic model merging with common and task-specific subspaces", arXiv 2502.04959,
section 4.1.
"""

from dataclasses import dataclass

import numpy as np

from merging.matrices import MatrixView
from merging.matrix_method import MatrixMethod
from merging.streaming import Emit, Float64, Place
from merging.thin_svd import present, thin_svd


@dataclass
class IsoC(MatrixMethod):
    """One merge by Iso-C. The state is S."""

    def solve(self, place: Place, view: MatrixView, total: Float64, update: Float64, emit: Emit) -> None:  # noqa: ARG002
        """Flatten the spectrum of each matrix of S."""
        for block, target in zip(total, update, strict=True):
            target[:] = isotropic(block)


def isotropic(total: Float64) -> Float64:
    """mean(σ) U Vᵀ of S, [rows, columns]; the spectrum has min(rows, columns) values, zeros included.

    Directions that S lacks are left out: U Vᵀ is not unique there.
    """
    left, values, right = thin_svd(total)
    kept = present(values, total.shape)
    return np.asarray(values.mean() * (left[:, kept] @ right[kept]))
