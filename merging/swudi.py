"""SWUDI: WUDI's gradient flow stopped at a finite time, on the leading eigendirections.

h_k = 1[k ≤ K] (1 − exp(−t λ_k)) with t = 1300 and K = ⌈0.65 in⌉, λ_1 the largest.
Source: arXiv 2606.07289.
"""

import math
from typing import Any

import numpy as np

from merging.gram import GramMerge
from merging.streaming import Float64
from merging.wudi import PROXY


def swudi(weights: tuple[float, ...], *, time: float = 1300.0, rank_share: float = 0.65, **options: Any) -> GramMerge:
    """time: t. rank_share: K / in. options: fields of `GramMerge`. The state is WUDI's."""

    def damped(values: Float64) -> Float64:
        h: Float64 = -np.expm1(-time * values)
        h[: values.size - math.ceil(rank_share * values.size)] = 0.0
        return h

    return GramMerge(weights, proxy=PROXY, filter=damped, **options)
