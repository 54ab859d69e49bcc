"""ActMat: RegMean with the task vectors' second moments in slot of the activations'.

A = Σ τᵀτ, B = Σ τ τᵀτ: larger task vectors weigh more. Solved on the spectrum's effective rank, as `aswudi` is.
Source: arXiv 2604.01329.
"""

from typing import Any, Final

from merging.aswudi import leading
from merging.gram import GramMerge, TaskVectorProxy

FAMILY: Final = "actmat"


def actmat(weights: tuple[float, ...], **options: Any) -> GramMerge:
    """options: fields of `GramMerge`."""
    return GramMerge(weights, proxy=TaskVectorProxy(normalised=False), filter=leading, **options)
