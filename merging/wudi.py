"""WUDI merging in closed form: the update that disturbs each task's own inputs least.

min_M Σ_i ‖(M − τ_i) τ_iᵀ‖² / ‖τ_i‖², the task vectors standing for the inputs; its least squares solution M = B A⁺.
Source: "Whoever Started the Interference Should End It", arXiv 2503.08099, equation 8; there Adam takes 300 steps.
"""

from typing import Any, Final

import numpy as np

from merging.gram import GramMerge, TaskVectorProxy
from merging.streaming import Float64

FAMILY: Final = "wudi"
"""The state that wudi, swudi and aswudi share."""

PROXY: Final = TaskVectorProxy(normalised=True)

CUTOFF: Final = 1e-6
"""Of the mean task's trace: directions with less count as unseen by every task. Numbers of float32 checkpoints are
rounded to 6e-8 of themselves, so what their task vectors hold below is noise."""


def wudi(weights: tuple[float, ...], *, cutoff: float = CUTOFF, **options: Any) -> GramMerge:
    """h_k = 1[λ_k > cutoff]. options: fields of `GramMerge`."""

    def kept(values: Float64) -> Float64:
        return (values > cutoff).astype(np.float64)

    return GramMerge(weights, proxy=PROXY, filter=kept, **options)
