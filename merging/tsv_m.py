"""TSV-M: orthogonalise the leading singular vectors of all task vectors against each other, then add the tasks.

With U and V the concatenated leading singular vectors of all tasks and σ their values, M = polar(U) diag(σ) polar(V)ᵀ.
Exact continually: see `singular_triples`.
Source: "Task singular vectors: reducing task interference in model merging", arXiv 2412.00081, algorithm 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from merging.singular_triples import TripleMethod, Triples, joined, polar
from merging.streaming import Float64


@dataclass
class TsvM(TripleMethod):
    """One merge by TSV-M."""

    def combine(self, total: Float64, tasks: Sequence[Triples]) -> Float64:  # noqa: ARG002
        """M."""
        return orthogonal_sum(tasks)


def orthogonal_sum(tasks: Sequence[Triples]) -> Float64:
    """M, [rows, columns]."""
    triples = joined(tasks)
    return np.asarray((polar(triples.left) * triples.values) @ polar(triples.right))
