"""Two-sided projection in closed form: the update that disturbs least each task's inputs and outputs.

min_M Σ_i ‖(M − τ_i) τ_iᵀ‖² + ‖τ_iᵀ (M − τ_i)‖² has the normal equations A_L M + M A_R = 2 B, a Sylvester equation, with
A_L = Σ τ τᵀ, A_R = Σ τᵀτ and B = Σ τ τᵀτ. In the eigenbases of both, M̃_ij = 2 B̃_ij / (λ_i + γ_j).
Source: the two-sided objective is that of arXiv 2505.12082, which descends its gradient; the closed form from sums is
this project's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from merging.gram import CROSS, FLOOR, GRAM, GramMerge, MatrixSums, Proxy, TaskVectorProxy, Update
from merging.matrices import MatrixView
from merging.streaming import Emit, Float64
from merging.sums import Count
from merging.symmetric import add_gram, eigh, pack, packed_size

FAMILY: Final = "dop"

LEFT: Final = "gram_left"
"""The part that holds A_L, [blocks, out·(out+1)/2], packed as A_R is."""


@dataclass
class Dop(GramMerge):
    """The method; its A_R and B are ActMat's, and it has no filter but the floor."""

    proxy: Proxy = field(default_factory=lambda: TaskVectorProxy(normalised=False))

    def moment_shapes(self, view: MatrixView) -> Mapping[str, tuple[int, ...]]:
        """Of A_R, B and A_L."""
        return {**super().moment_shapes(view), LEFT: (view.blocks, packed_size(view.rows))}

    def moment_bytes(self, view: MatrixView) -> int:
        """Of A_R, B and A_L."""
        return super().moment_bytes(view) + 8 * view.rows * view.rows

    def open_matrix(self, matrix: MatrixSums, count: Count, emit: Emit) -> Update:
        """Emit the moments, and solve."""
        gram, cross = matrix.moments()
        left = matrix.triangle(LEFT, cross.shape[0])
        for weight, task in matrix.tasks:
            tau = torch.cat([torch.from_numpy(rows) for _, rows in task.tau()]).to(self.device)
            add_gram(left, tau.T.contiguous(), weight)
        if not count.tasks:
            left.zero_()
        for part, moment in ((GRAM, gram), (LEFT, left)):
            for piece in pack(moment):
                emit(part, piece)
        emit(CROSS, cross.cpu().numpy().reshape(-1))
        if count.tasks < 2 or float(gram.diagonal().sum()) <= 0.0:
            return self.unsolved(count)
        return self._two_sided(gram, left, cross, count)

    def _two_sided(self, gram: Tensor, left: Tensor, cross: Tensor, count: Count) -> Update:
        floor = FLOOR * float(gram.diagonal().sum()) / count.tasks
        gammas, right_vectors = eigh(gram)
        lambdas, left_vectors = eigh(left)
        merged = left_vectors.T @ cross @ right_vectors
        # Moments have no negative eigenvalues but by rounding; where both are none, B is none either.
        sums = lambdas.clamp(min=0.0)[:, None] + gammas.clamp(min=0.0)[None, :]
        merged.mul_(2.0 * self.scale).div_(sums).masked_fill_(sums <= floor, 0.0)
        merged = left_vectors @ merged @ right_vectors.T

        def update(rows: slice, _: Float64) -> Float64:
            result: Float64 = merged[rows].cpu().numpy()
            return result

        return update


def dop(weights: tuple[float, ...], **options: object) -> Dop:
    """options: fields of `GramMerge`."""
    return Dop(weights, **options)  # type: ignore[arg-type]
