"""The thin singular value decomposition in float64, by LAPACK."""

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import svd

from merging.streaming import Float64


def thin_svd(matrix: Float64) -> tuple[Float64, Float64, Float64]:
    """U, σ and Vᵀ of U diag(σ) Vᵀ, largest first; min(rows, columns) of them. The matrix is finite, and kept.

    By divide and conquer (gesdd), and where that does not converge by QR iteration (gesvd), which is slower.
    """
    try:
        left, values, right = svd(matrix, full_matrices=False, check_finite=False)
    except LinAlgError:  # pragma: no cover  rare matrices, and different ones on each library
        left, values, right = svd(matrix, full_matrices=False, check_finite=False, lapack_driver="gesvd")
    return left, values, right


def present(values: Float64, shape: tuple[int, ...]) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which singular values, largest first, are not zero to float64's precision."""
    return np.asarray(values > np.finfo(np.float64).eps * max(shape) * values[0])
