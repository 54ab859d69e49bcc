"""Iso-C: give the sum of all task vectors a flat spectrum.

S = U Σ Vᵀ becomes mean(σ) U Vᵀ: exact continually, because S is all that the result depends on.
Source: "No task left behind: isotropic model merging with common and task-specific subspaces", arXiv 2502.04959,
section 4.1.
"""

import numpy as np
from scipy.linalg import svd

from merging.streaming import Float64


def isotropic(total: Float64) -> Float64:
    """mean(σ) U Vᵀ of S, [rows, columns]; the spectrum has min(rows, columns) values, zeros included.

    Directions that S lacks are left out: U Vᵀ is not unique there.
    """
    left, values, right = svd(total, full_matrices=False, check_finite=False)
    present = values > np.finfo(np.float64).eps * max(total.shape) * values[0]
    return np.asarray(values.mean() * (left[:, present] @ right[present]))
