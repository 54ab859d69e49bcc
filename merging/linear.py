"""Linear interpolation with a fixed weight: (1 − α) θ + α θ'.

Source: WiSE-FT, "Robust fine-tuning of zero-shot models", arXiv 2109.01903.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import Inputs, Kernel, TensorSlot, require_finite


@dataclass(frozen=True)
class Linear:
    """Merge checkpoints one after another. alpha: α, the checkpoint's share, from 0 to 1."""

    alpha: float

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """No state."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Do nothing."""

    def open(self, slot: TensorSlot) -> Kernel:
        """(1 − α) θ + α θ'."""
        tensors = [slot.head, *(tensor for _, tensor in slot.incoming)]
        rest = 1.0 - self.alpha
        shares = [rest, *[self.alpha] * len(slot.incoming)]

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            number = kernels.combine([tensor.elements(span) for tensor in tensors], shares, out, decay=rest)
            require_finite(number, slot.name, tensors)
            return {}

        return kernel
