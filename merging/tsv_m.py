"""TSV-M: orthogonalise the leading singular vectors of all task vectors against each other, then add the tasks.

With U and V the concatenated leading singular vectors of all tasks and σ their values, M = polar(U) diag(σ) polar(V)ᵀ.
Exact continually: see `singular_triples`.
Source: "Task singular vectors: reducing task interference in model merging", arXiv 2412.00081, algorithm 1.
"""

from dataclasses import dataclass

from merging.singular_triples import TripleMethod, Triples, polar
from merging.streaming import Float64


@dataclass
class TsvM(TripleMethod):
    """One merge by TSV-M."""

    def combine(self, total: Float64, triples: Triples, each: int) -> Float64:  # noqa: ARG002
        """M."""
        return orthogonal_sum(triples)


def orthogonal_sum(triples: Triples) -> Float64:
    """M, [rows, columns], from the triples of all tasks."""
    left = polar(triples.left)
    left *= triples.values
    return left @ polar(triples.right)
