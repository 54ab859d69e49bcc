"""The singular subspaces of a merged task vector, and the projection of another one, without full singular bases.

With U S Vᵀ = svd(τ_m) in full bases and r the rank of the leading subspace, OPCM clears from P = Uᵀ τ' V the leading
r × r block and the diagonal. What it clears involves the first q = min(m, n) singular vectors alone, so

    U P_cleared Vᵀ = τ' − U_q M V_qᵀ,   M = the leading block and the diagonal of U_qᵀ τ' V_q,

is the same matrix. U_q comes from the q × q Gram matrix τ_m τ_mᵀ, V_q = τ_mᵀ U_q S⁻¹ a block of rows at a time: memory
is a few q × q matrices and a block, in float64, where a full V alone has n × n.

The Gram matrix squares the singular values: those below 1e-6 of the largest, and directions that τ_m lacks, count as
absent, so nothing is cleared there. (A full basis there is arbitrary, and what clearing along it would do as well.)
"""

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

BLOCK: Final = 1 << 20
"""Elements of a matrix that are worked on at once, in float64."""

_ABSENT: Final = 1e-6


class Subspace:
    """Of τ_m = head − base, a matrix of any dtype; as wide as it is high or wider, by transposing."""

    def __init__(self, base: Tensor, head: Tensor, alpha: float) -> None:
        self._tall = base.shape[0] > base.shape[1]
        self._q = min(base.shape)
        self._n = max(base.shape)
        gram = torch.zeros(self._q, self._q, dtype=torch.float64)
        for columns in self._blocks():
            block = self.block(base, head, columns)
            gram.addmm_(block, block.T)
        self.values, self._left = _eigen(gram)
        self.rank = leading_rank(self.values, alpha)
        present = self.values > _ABSENT * self.values[0]
        self._inverse = torch.where(present, 1.0 / self.values.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
        self._base, self._head = base, head

    def block(self, base: Tensor, other: Tensor, columns: slice) -> Tensor:
        """Columns of other − base in float64, [q, columns]; of the transposed matrix where it is tall."""
        one, two = (matrix[columns].T if self._tall else matrix[:, columns] for matrix in (base, other))
        return two.to(torch.float64, copy=True).sub_(one.to(torch.float64))

    def put(self, target: Tensor, columns: slice, block: Tensor) -> None:
        """Write such columns back into a matrix."""
        if self._tall:
            target[columns] = block.T
        else:
            target[:, columns] = block

    def project(self, base: Tensor, incoming: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Columns of τ' = incoming − base with leading block and diagonal cleared, block by block."""
        middle = self._middle(base, incoming)
        for columns in self._blocks():
            right = self._right(columns)
            yield columns, self.block(base, incoming, columns).sub_(self._left @ (middle @ right))

    def _middle(self, base: Tensor, incoming: Tensor) -> Tensor:
        """M: the leading r × r block and the diagonal of Uᵀ τ' V, zero elsewhere."""
        rank, left = self.rank, self._left
        middle = torch.zeros(self._q, self._q, dtype=torch.float64)
        diagonal = torch.zeros(self._q, dtype=torch.float64)
        for columns in self._blocks():
            turned = left.T @ self.block(base, incoming, columns)
            right = self._right(columns)
            middle[:rank, :rank].addmm_(turned[:rank], right[:rank].T)
            diagonal.add_(turned.mul_(right).sum(dim=1))
        middle.diagonal().copy_(diagonal)
        return middle

    def _right(self, columns: slice) -> Tensor:
        """Rows of V_q, transposed: [q, columns]."""
        return (self._left.T @ self.block(self._base, self._head, columns)).mul_(self._inverse[:, None])

    def _blocks(self) -> Iterator[slice]:
        width = max(1, BLOCK // self._q)
        return (slice(start, min(start + width, self._n)) for start in range(0, self._n, width))


def _eigen(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Singular values, largest first, and left singular vectors of a matrix with this Gram matrix."""
    squares, vectors = torch.linalg.eigh(gram)
    return squares.clamp(min=0.0).sqrt().flip(0), vectors.flip(1).contiguous()


def leading_rank(values: Tensor, alpha: float) -> int:
    """r: the index of the first cumulative share of the singular values that is above α."""
    total = values.sum()
    if float(total) == 0.0:
        return 0
    above = torch.nonzero(values.cumsum(0) / total > alpha)
    return int(above[0]) if len(above) else len(values)
