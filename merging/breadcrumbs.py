"""Model Breadcrumbs: mask the smallest and the largest entries of each task vector, then add what is left.

Exact continually: the sum of the masked task vectors is all that the result depends on.
Source: "Model Breadcrumbs: scaling multi-task model merging with sparse masks", arXiv 2312.06795, section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.magnitudes import magnitude_limit
from merging.running_sums import RunningSum
from merging.streaming import Float64, Inputs, Kernel, TensorSlot

MASKED_SUM: Final = "masked_sum"


@dataclass(frozen=True)
class Breadcrumbs:
    """One merge by Model Breadcrumbs; each tensor is masked by itself.

    density: the share of entries that stay. gamma: the share of the largest ones that are masked as outliers.
    scaling: α, the share of the sum that is added to the base. remove: subtract the checkpoints instead.
    """

    density: float
    gamma: float
    scaling: float
    remove: bool = False

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """The sum of masked task vectors."""
        return {MASKED_SUM: "F64"}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, slot: TensorSlot) -> Kernel:
        """θ_pre + α Σ m_j ∘ τ_j."""
        total = RunningSum(slot, MASKED_SUM)
        limits = {index: self.limits(slot, index) for index, _ in slot.incoming}

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base = slot.base.read(span)
            sums = total.start(span)
            for index, tensor in slot.incoming:
                tau = tensor.difference(span, base)
                mask_outside(tau, *limits[index])
                if self.remove:
                    np.negative(tau, out=tau)
                sums += tau
            slot.round(base + self.scaling * sums, out)
            return {MASKED_SUM: sums}

        return kernel

    def limits(self, slot: TensorSlot, index: int) -> tuple[float, float]:
        """The smallest magnitude that stays, and the smallest one that is an outlier."""
        first, last = kept_ranks(slot.size, self.density, self.gamma)
        return magnitude_limit([slot], index, last), magnitude_limit([slot], index, first)


def kept_ranks(size: int, density: float, gamma: float) -> tuple[int, int]:
    """Entries of rank first + 1 to last stay, by magnitude from the largest on.

    Where density and γ leave too few entries, fewer outliers are masked, as in mergekit's `magnitude_outliers`.
    """
    kept, outliers = int(density * size), int(gamma * size)
    outliers = min(outliers, size - kept)
    return outliers, outliers + kept


def mask_outside(tau: Float64, smallest: float, outlier: float) -> None:
    """Clear entries below `smallest` and from `outlier` on; of equal magnitudes at a limit none is split off."""
    magnitude = np.abs(tau)
    tau[(magnitude < smallest) | (magnitude >= outlier)] = 0.0
