"""Task arithmetic: θ + λ τ' with the task vector τ' = θ' − θ_pre.

Source: "Editing models with task arithmetic", arXiv 2212.04089.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from worker.merging.streaming import Inputs, Merged, Place

Thin = Callable[[Tensor, str, int, int], Tensor]
"""Takes (chunk of a task vector, tensor's name, checkpoint's index, first element's index); see `dare`."""


@dataclass(frozen=True)
class TaskArithmetic:
    """scaling: λ. thin: what is done to a task vector before it is added."""

    scaling: float
    thin: Thin | None = None

    def parts(self, dtype: torch.dtype) -> Mapping[str, torch.dtype]:  # noqa: ARG002
        """None."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, place: Place) -> Callable[[slice], Merged]:
        """θ + λ Σ τ'."""

        def kernel(span: slice) -> Merged:
            base, theta = place.base.read(span), place.head.read(span)
            # The sum is scaled once: scaling each vector would round more often, and differently for each order.
            total = torch.zeros_like(base)
            for index, flat in place.incoming:
                tau = flat.read(span).sub_(base)
                if self.thin is not None:
                    tau = self.thin(tau, place.name, index, span.start)
                total.add_(tau)
            return theta.add_(total.mul_(self.scaling)), {}

        return kernel
