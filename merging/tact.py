"""TACT: ActMat with task vectors trimmed to their largest entries where they stand for the inputs.

A = Σ tᵀt, B = Σ τ tᵀt, where t keeps the largest half of a matrix's entries by magnitude.
Source: arXiv 2604.01329.
"""

from typing import Any, Final

from merging.aswudi import leading
from merging.gram import GramMerge, TaskVectorProxy

FAMILY: Final = "tact"


def tact(weights: tuple[float, ...], *, density: float = 0.5, **options: Any) -> GramMerge:
    """density: the share of entries that is kept; of equal magnitudes at the limit all stay.

    It is part of the state: all tasks must have the same. options: fields of `GramMerge`.
    """
    return GramMerge(weights, proxy=TaskVectorProxy(normalised=False, density=density), filter=leading, **options)
