"""MagMax: each entry takes the value of largest magnitude of all task vectors so far.

Source: "MagMax: leveraging model merging for seamless continual learning", arXiv 2407.06322.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import CHUNK, Inputs, Kernel, TensorSlot
from merging.tensor_bytes import NUMPY_DTYPES

WINNERS: Final = "winners"


@dataclass(frozen=True)
class MagMax:
    """Merge checkpoints by MagMax. scaling: λ, the factor of the vector of largest entries.

    The state holds the winning values θ', not their differences from the base, since float32 represents them exactly.
    """

    scaling: float = 1.0

    def parts(self, dtype: str) -> Mapping[str, str]:
        """For each entry, the value of the winning checkpoint."""
        return {WINNERS: "F64" if dtype == "F64" else "F32"}

    def prepare(self, inputs: Inputs) -> None:
        """Do nothing."""

    def open(self, slot: TensorSlot) -> Kernel:
        """θ_pre + λ · (the entry of largest magnitude). Of two equal magnitudes the positive one wins."""
        before = slot.parts.get(WINNERS)
        rooms = np.empty((2, min(CHUNK, slot.size)))

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base = slot.base.read(span)
            winners, largest = (room[: base.size] for room in rooms)
            winners[:] = base if before is None else before.read(span)
            np.subtract(winners, base, out=largest)
            for _, tensor in slot.incoming:
                kernels.keep_largest(tensor.read(span), base, winners, largest)
            kept = {part: winners.astype(NUMPY_DTYPES[dtype]) for part, dtype in self.parts(slot.dtype).items()}
            if self.scaling == 1.0:
                slot.round(winners, out)
            else:
                kernels.add_scaled(base, largest, self.scaling)
                slot.round(base, out)
            return kept

        return kernel
