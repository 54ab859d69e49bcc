"""Task arithmetic: θ + λ τ' with the task vector τ' = θ' − θ_pre.

Source: "Editing models with task arithmetic", arXiv 2212.04089.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import CHUNK, Float64, Inputs, Kernel, Place, require_finite

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

    def open(self, place: Place) -> Kernel:
        """θ + λ Σ τ'."""
        return self._whole(place) if self.thin is None else self._thinned(place, self.thin)

    def _whole(self, place: Place) -> Kernel:
        flats = [place.base, place.head, *(flat for _, flat in place.incoming)]

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base, head, *incoming = (flat.elements(span) for flat in flats)
            number = kernels.add_vectors(base, head, incoming, self.scaling, out)
            require_finite(number, place.name, flats)
            return {}

        return kernel

    def _thinned(self, place: Place, thin: Thin) -> Kernel:
        room = np.empty(min(CHUNK, place.size))

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base, theta = place.base.read(span), place.head.read(span)
            # The sum is scaled once: scaling each vector would round more often, and differently for each order.
            total = room[: base.size]
            total.fill(0.0)
            for index, flat in place.incoming:
                tau = flat.difference(span, base)
                thin(tau, place.name, index, span.start)
                total += tau
            kernels.add_scaled(theta, total, self.scaling)
            place.round(theta, out)
            return {}

        return kernel
