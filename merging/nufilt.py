"""NUFILT's null-space filter: a task vector is added outside the leading right singular space of the merged update.

merged + τ P, P = I − V Vᵀ, V the leading right singular vectors of merged − base. It needs no state but the merged weights,
and depends on the order of the tasks. The published method trains a low-rank adapter after it, from a random start, to
give back some of what the filter takes; that is left out here.
Source: "Null-space filtering for data-free continual model merging", arXiv 2509.21413, equation 6.
"""

import numpy as np
from scipy.linalg import svd

from merging.streaming import Float64


def filtered(tau: Float64, merged: Float64, rank: int) -> Float64:
    """τ P, [rows, columns]; merged: the update so far. A zero update filters nothing."""
    _, values, right = svd(merged, full_matrices=False, check_finite=False)
    present = values[:rank] > np.finfo(np.float64).eps * max(merged.shape) * values[0]
    leading = right[:rank][present]
    return np.asarray(tau - (tau @ leading.T) @ leading)
