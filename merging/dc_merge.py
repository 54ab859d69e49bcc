"""DC-Merge: aggregate all task vectors in a shared orthogonal cover of their leading singular spaces.

With U⊥ and V⊥ as in TSV-M, task j's truncated τ_j becomes M_j = U⊥ᵀ τ_j V⊥. Of each M_j the largest entries stay, an
entry's sign is elected by their sum, the mean is taken of those that agree, and only the blocks of each task with
itself are projected back. Exact continually: see `singular_triples`.
Source: "DC-Merge: improving model merging with directional consistency", arXiv 2603.06242, section 4; full fine-tuning,
which its code merges without smoothing of singular values.
"""

from dataclasses import dataclass

import numpy as np

from merging.singular_triples import TripleMethod, Triples, cut, polar
from merging.streaming import Float64


@dataclass
class DcMerge(TripleMethod):
    """One merge by DC-Merge. density: the share of a task's entries in the cover that stay."""

    density: float = 1e-3

    def combine(self, total: Float64, triples: Triples, each: int) -> Float64:  # noqa: ARG002
        """The entries that the tasks agree on, projected back."""
        return directional_merge(triples, each, self.density)


def directional_merge(triples: Triples, each: int, density: float) -> Float64:
    """The merged task vector, [rows, columns].

    triples: those of all tasks, one task after another, `each` for each. density: the share of entries of the r × r
    matrix M_j that stay, r = min(rows, columns); of equal magnitudes all.
    """
    left, right = polar(triples.left), polar(triples.right)
    rank = min(left.shape[0], right.shape[1])
    count = max(1, int(density * rank * rank))
    blocks = [slice(start, start + each) for start in range(0, triples.values.size, each)]
    tasks = cut(triples, each, len(blocks))
    entries = np.empty((len(blocks), len(blocks), each, each))
    for result, task in zip(entries, tasks, strict=True):
        cover = ((left.T @ task.left) * task.values) @ (task.right @ right.T)
        _clear_small(cover, count)
        for target, block in zip(result, blocks, strict=True):
            target[:] = cover[block, block]
    merged = _elected_mean(entries)
    total = np.zeros((left.shape[0], right.shape[1]))
    for block, part in zip(blocks, merged, strict=True):
        total += left[:, block] @ part @ right[block]
    return total


def _clear_small(matrix: Float64, count: int) -> None:
    """Keep the `count` largest magnitudes."""
    magnitude = np.abs(matrix)
    if count < matrix.size:
        limit = np.partition(magnitude, matrix.size - count, axis=None)[matrix.size - count]
        matrix[magnitude < limit] = 0.0


def _elected_mean(entries: Float64) -> Float64:
    """Over the first axis: the mean of the entries that have their sum's sign."""
    sign = np.sign(entries.sum(axis=0))
    agree = (np.sign(entries) == sign) & (sign != 0)
    return np.asarray(np.where(agree, entries, 0.0).sum(axis=0) / np.maximum(agree.sum(axis=0), 1))
