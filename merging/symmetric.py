"""Symmetric matrices in float64: accumulation of XᵀX, packed storage, eigendecomposition.

On the CPU by BLAS and LAPACK on one triangle, in slot; on a GPU by torch. The same machine, library versions and
number of threads give the same bits.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Float64 = NDArray[np.float64]

_PIECE: Final = 1 << 17
"""Elements of a packed triangle that are copied at once."""


def add_gram(into: Tensor, rows: Tensor, factor: float = 1.0) -> None:
    """In slot, in the lower triangle of into, [n, n]: into += factor · rowsᵀ rows. rows: [any, n], contiguous."""
    if into.is_cuda:
        into.addmm_(rows.T, rows, alpha=factor)
        return
    from scipy.linalg.blas import dsyrk  # noqa: PLC0415  SciPy is slow to import, and only used here

    # BLAS counts columns first: the lower triangle of rows is its upper one.
    target = into.numpy().T
    result = dsyrk(factor, rows.numpy().T, beta=1.0, c=target, lower=0, overwrite_c=1)
    if not np.shares_memory(result, target):  # pragma: no cover  only if SciPy's wrapper changes
        target[...] = result


def mirror(matrix: Tensor) -> Tensor:
    """Copy the lower triangle to the upper one, in slot."""
    size = matrix.shape[0]
    for start in range(0, size, 512):
        rows = slice(start, min(start + 512, size))
        block = matrix[rows, rows]
        block.copy_(block.tril() + block.tril(-1).T)
        matrix[rows, rows.stop :] = matrix[rows.stop :, rows].T
    return matrix


def eigh(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, ascending, and eigenvectors as columns, of a matrix by its lower triangle, which is lost.

    Room beside the matrix: twice its own, which is LAPACK's `syevd`, the fastest here.
    """
    if matrix.is_cuda:
        values, vectors = torch.linalg.eigh(matrix)
        return values, vectors
    from scipy.linalg import eigh as lapack  # noqa: PLC0415  as above

    result, columns = lapack(matrix.numpy().T, lower=False, overwrite_a=True, check_finite=False, driver="evd")
    return torch.from_numpy(result), torch.from_numpy(columns)


def packed_size(size: int) -> int:
    """How many elements a packed triangle has."""
    return size * (size + 1) // 2


def pack(matrix: Tensor) -> Iterator[Float64]:
    """The lower triangle row by row, in pieces; a piece is good until the next."""
    triangle = matrix.cpu().numpy()
    for rows in _pieces(triangle.shape[0]):
        yield np.concatenate([triangle[row, : row + 1] for row in rows])


def unpack(packed: Float64, into: Float64) -> None:
    """Fill the lower triangle of into, [n, n], from all its packed elements."""
    position = 0
    for row in range(into.shape[0]):
        into[row, : row + 1] = packed[position : position + row + 1]
        position += row + 1


def _pieces(size: int) -> Iterator[range]:
    start = 0
    while start < size:
        stop = min(size, start + max(1, _PIECE // (start + 1)))
        yield range(start, stop)
        start = stop
