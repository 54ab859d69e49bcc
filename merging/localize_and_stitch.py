"""Localize-and-Stitch without data: keep the largest entries of each task vector, average where they overlap.

Exact continually: the sum and the count of kept entries are all that the result depends on.
Source: "Localize-and-Stitch: efficient model merging via sparse task arithmetic", arXiv 2408.13656, section 3.4, the
dataless variant, which locates a task by magnitude over the whole model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.magnitudes import magnitude_limit, slots_of
from merging.running_sums import RunningCount, RunningSum
from merging.streaming import Inputs, Kernel, TensorSlot

KEPT_SUM: Final = "kept_sum"
KEPT_COUNT: Final = "kept_count"


@dataclass
class LocalizeAndStitch:
    """One merge by Localize-and-Stitch.

    density: the share of a task vector's entries, over the whole model, that are its task's; of equal magnitudes at the
    limit all stay. scaling: the share of the stitched vector that is added. remove: take the checkpoints out again.
    """

    density: float
    scaling: float = 1.0
    remove: bool = False
    _limits: dict[int, float] = field(default_factory=dict)

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """The sum and the count of kept entries."""
        return {KEPT_SUM: "F64", KEPT_COUNT: "I16"}

    def prepare(self, inputs: Inputs) -> None:
        """Find the smallest magnitude that each checkpoint keeps. A tensor that it lacks counts as unchanged."""
        kept = max(1, int(self.density * sum(slot.size for slot in inputs.slots())))
        for index in range(len(inputs.incoming)):
            slots = slots_of(inputs, index)
            rank = min(kept, sum(slot.size for slot in slots))
            self._limits[index] = magnitude_limit(slots, index, rank)

    def open(self, slot: TensorSlot) -> Kernel:
        """θ_pre + scaling · the mean of the kept entries."""
        total, count = RunningSum(slot, KEPT_SUM), RunningCount(slot, KEPT_COUNT)
        sign = -1 if self.remove else 1

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base = slot.base.read(span)
            sums, counts = total.start(span), count.start(span)
            for index, tensor in slot.incoming:
                tau = tensor.difference(span, base)
                kept = (np.abs(tau) >= self._limits[index]) & (tau != 0.0)
                sums += np.where(kept, sign * tau, 0.0)
                counts += sign * kept.astype(np.int16)
            slot.round(base + self.scaling * (sums / np.maximum(counts, 1)), out)
            return {KEPT_SUM: sums, KEPT_COUNT: counts}

        return kernel
