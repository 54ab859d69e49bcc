"""Consensus merging in its continual form: drop entries of the sum that matter to fewer than k tasks.

A TALL mask marks the entries where a task vector outweighs what the sum lacks of it: |τ_j| > λ |S − τ_j|. Merging all
checkpoints at once gives the published method. Continually it is an approximation: the mask of each task is made
against the sum at its arrival, and is not made again when the sum grows.
Source: "Localizing task information for improved model merging and compression", arXiv 2405.07813, equations 4 and 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.running_sums import SUM, RunningCount, RunningSum
from merging.streaming import Inputs, Kernel, TensorSlot

USES: Final = "uses"

APPROXIMATION: Final = (
    "Each task's mask was made against the sum of the task vectors at its arrival; the published method makes all "
    "masks against the sum of all of them."
)


@dataclass(frozen=True)
class Consensus:
    """One merge by consensus.

    tasks: how many task vectors S has after this merge. threshold: k, the number of tasks that must use an entry, at
    most `tasks`. mask_scale: λ of the masks. scaling: the share of the masked sum that is added to the base.
    """

    tasks: int
    threshold: int
    mask_scale: float
    scaling: float

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """S, and how many tasks use each entry."""
        return {SUM: "F64", USES: "I16"}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, slot: TensorSlot) -> Kernel:
        """θ_pre + scaling · S where at least k tasks use the entry."""
        total, count = RunningSum(slot, SUM), RunningCount(slot, USES)
        least = min(self.threshold, self.tasks)

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base = slot.base.read(span)
            sums, uses = total.start(span), count.start(span)
            for _, tensor in slot.incoming:
                sums += tensor.difference(span, base)
            for _, tensor in slot.incoming:
                tau = tensor.difference(span, base)
                uses += np.abs(tau) > self.mask_scale * np.abs(sums - tau)
            slot.round(base + self.scaling * np.where(uses >= least, sums, 0.0), out)
            return {SUM: sums, USES: uses}

        return kernel
