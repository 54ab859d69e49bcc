"""ASWUDI: WUDI solved on as many eigendirections as the spectrum has effective ranks; nothing to tune.

h_k = 1[k ≤ K] with K = ⌈(Σ √λ)² / Σ λ⌉, λ_1 the largest.
Source: arXiv 2606.07289.
"""

import math
from typing import Any

import numpy as np

from merging.gram import GramMerge
from merging.streaming import Float64
from merging.wudi import PROXY


def effective_rank(values: Float64) -> int:
    """⌈(Σ √λ)² / Σ λ⌉: the participation ratio of the singular values, at most their number."""
    return min(values.size, math.ceil(float(np.sqrt(values).sum()) ** 2 / float(values.sum())))


def leading(values: Float64) -> Float64:
    """The filter: 1 for the largest of the ascending values, else 0."""
    h = np.zeros_like(values)
    h[values.size - effective_rank(values) :] = 1.0
    return h


def aswudi(weights: tuple[float, ...], **options: Any) -> GramMerge:
    """options: fields of `GramMerge`. The state is WUDI's."""
    return GramMerge(weights, proxy=PROXY, filter=leading, **options)
