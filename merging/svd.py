"""SVD subspace projection for OPCM: the singular subspaces of a merged task vector, without full singular bases.

With U S Vᵀ = svd(τ_m) in full bases and r the rank of the leading subspace, OPCM clears the leading r × r block and the
diagonal of P = Uᵀ τ' V. These involve only the first q = min(m, n) singular vectors, so

    U P_cleared Vᵀ = τ' − U_q M V_qᵀ,   M = the leading block and the diagonal of U_qᵀ τ' V_q,

is the same matrix. U_q comes from the q × q Gram matrix τ_m τ_mᵀ, and V_q = τ_mᵀ U_q S⁻¹ is computed in blocks of rows,
so memory holds two q × q matrices and a block in float64; a full V alone has n × n.

The Gram matrix squares the singular values. Those below 1e-6 of the largest count as zero, and nothing is cleared along
them or along directions that τ_m lacks: a full basis of these directions is arbitrary.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.linalg.blas import dsyrk

from merging.streaming import Float64
from merging.tensor_bytes import widened

BLOCK: Final = 1 << 20
"""Elements of a matrix that are processed at once, in float64."""

_ABSENT: Final = 1e-6

Elements = NDArray[Any]
"""Elements of a tensor in the NumPy dtype of their file, [rows, columns]."""


class Subspace:
    """The leading singular subspace of τ_m = head − base, a matrix of any dtype, transposed if it is tall.

    values: singular values in ascending order, like the vectors; the leading ones are the last `rank`.
    """

    def __init__(self, base: Elements, head: Elements, alpha: float) -> None:
        self._tall = base.shape[0] > base.shape[1]
        self._q = min(base.shape)
        self._n = max(base.shape)
        gram = np.zeros((self._q, self._q), order="F")
        for columns in self._blocks():
            # One triangle, in place: a matrix product would allocate another q × q matrix.
            gram = dsyrk(1.0, self.block(base, head, columns).T, beta=1.0, c=gram, trans=1, lower=1, overwrite_c=1)
        self.values, self._left = _eigen(gram)
        self.rank = leading_rank(self.values, alpha)
        present = self.values > _ABSENT * self.values[-1]
        self._inverse = np.where(present, 1.0 / np.maximum(self.values, np.finfo(np.float64).tiny), 0.0)
        self._base, self._head = base, head

    def block(self, base: Elements, other: Elements, columns: slice) -> Float64:
        """Columns of other − base, [q, columns]; of the transposed matrix if it is tall."""
        one, two = (matrix[columns].T if self._tall else matrix[:, columns] for matrix in (base, other))
        difference = widened(two)
        difference -= widened(one)
        return difference

    def put(self, target: Float64, columns: slice, block: Float64) -> None:
        """Write columns, as `block` gives them, to a matrix."""
        if self._tall:
            target[columns] = block.T
        else:
            target[:, columns] = block

    def project(self, base: Elements, incoming: Elements) -> Iterator[tuple[slice, Float64]]:
        """Yield columns of τ' = incoming − base with the leading block and the diagonal cleared."""
        leading, diagonal = self._middle(base, incoming)
        for columns in self._blocks():
            right = self._right(columns)
            cleared = right * diagonal[:, None]
            cleared[self._q - self.rank :] = leading @ right[self._q - self.rank :]
            rest = self.block(base, incoming, columns)
            rest -= self._left @ cleared
            yield columns, rest

    def _middle(self, base: Elements, incoming: Elements) -> tuple[Float64, Float64]:
        """M as its leading r × r block, including the diagonal, and its diagonal [q]; M is zero elsewhere."""
        first = self._q - self.rank
        leading, diagonal = np.zeros((self.rank, self.rank)), np.zeros(self._q)
        for columns in self._blocks():
            turned = self._left.T @ self.block(base, incoming, columns)
            right = self._right(columns)
            leading += turned[first:] @ right[first:].T
            turned *= right
            diagonal += turned.sum(axis=1)
        np.fill_diagonal(leading, diagonal[first:])
        return leading, diagonal

    def _right(self, columns: slice) -> Float64:
        """Rows of V_q, transposed: [q, columns]."""
        right: Float64 = self._left.T @ self.block(self._base, self._head, columns)
        right *= self._inverse[:, None]
        return right

    def _blocks(self) -> Iterator[slice]:
        width = max(1, BLOCK // self._q)
        return (slice(start, min(start + width, self._n)) for start in range(0, self._n, width))


def _eigen(gram: Float64) -> tuple[Float64, Float64]:
    """Singular values in ascending order, and left singular vectors, of a matrix with this Gram matrix.

    gram: the lower triangle, which is overwritten. LAPACK's `syevr` allocates only the vectors.
    """
    squares, vectors = eigh(gram, lower=True, overwrite_a=True, check_finite=False, driver="evr")
    return np.sqrt(np.maximum(squares, 0.0)), vectors


def leading_rank(values: Float64, alpha: float) -> int:
    """r: the index of the first cumulative share of the singular values, largest first, that exceeds α.

    values: in ascending order.
    """
    total = values.sum()
    if total == 0.0:
        return 0
    above = np.flatnonzero(np.cumsum(values[::-1]) / total > alpha)
    return int(above[0]) if above.size else values.size
