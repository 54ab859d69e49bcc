"""Task arithmetic: θ + λ τ' with the task vector τ' = θ' − θ_pre.

Source: "Editing models with task arithmetic", arXiv 2212.04089.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from worker.merging import kernels
from worker.merging.streaming import CHUNK, Float64, Inputs, Merged, Place

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

    def open(self, place: Place) -> Callable[[slice], Merged]:
        """θ + λ Σ τ'."""
        room = np.empty(min(CHUNK, place.size))

        def kernel(span: slice) -> Merged:
            base, theta = place.base.read(span), place.head.read(span)
            # The sum is scaled once: scaling each vector would round more often, and differently for each order.
            total = room[: base.size]
            total.fill(0.0)
            for index, flat in place.incoming:
                if self.thin is None:
                    flat.add_difference_to(total, span, base)
                else:
                    tau = flat.difference(span, base)
                    self.thin(tau, place.name, index, span.start)
                    total += tau
            kernels.add_scaled(theta, total, self.scaling)
            return theta, {}

        return kernel
