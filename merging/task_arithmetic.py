"""Task arithmetic: θ + λ τ' with the task vector τ' = θ' − θ_pre.

Source: "Editing models with task arithmetic", arXiv 2212.04089.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import CHUNK, Float64, Inputs, Kernel, TensorSlot, require_finite

Thin = Callable[[Float64, str, int, int], None]
"""Changes a chunk of a task vector: (chunk, tensor's name, checkpoint's index, first element's index); see `dare`."""


@dataclass(frozen=True)
class TaskArithmetic:
    """scaling: λ. thin: what is done to a task vector before it is added."""

    scaling: float
    thin: Thin | None = None

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """None."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, slot: TensorSlot) -> Kernel:
        """θ + λ Σ τ'."""
        return self._whole(slot) if self.thin is None else self._thinned(slot, self.thin)

    def _whole(self, slot: TensorSlot) -> Kernel:
        tensors = [slot.base, slot.head, *(tensor for _, tensor in slot.incoming)]

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base, head, *incoming = (tensor.elements(span) for tensor in tensors)
            number = kernels.add_vectors(base, head, incoming, self.scaling, out)
            require_finite(number, slot.name, tensors)
            return {}

        return kernel

    def _thinned(self, slot: TensorSlot, thin: Thin) -> Kernel:
        room = np.empty(min(CHUNK, slot.size))

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base, theta = slot.base.read(span), slot.head.read(span)
            # The sum is scaled once: scaling each vector would round more often, and differently for each order.
            total = room[: base.size]
            total.fill(0.0)
            for index, tensor in slot.incoming:
                tau = tensor.difference(span, base)
                thin(tau, slot.name, index, span.start)
                total += tau
            kernels.add_scaled(theta, total, self.scaling)
            slot.round(theta, out)
            return {}

        return kernel
