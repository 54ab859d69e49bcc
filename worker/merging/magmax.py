"""MagMax: of all task vectors so far, each entry takes the one of largest magnitude.

Source: "MagMax: leveraging model merging for seamless continual learning", arXiv 2407.06322.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from worker.merging.streaming import Inputs, Merged, Place

WINNERS: Final = "winners"


@dataclass(frozen=True)
class MagMax:
    """scaling: λ, what is taken of the vector of largest entries.

    The state holds the winning values θ' themselves, not their differences from the base: float32 has these exactly.
    """

    scaling: float = 1.0

    def parts(self, dtype: torch.dtype) -> Mapping[str, torch.dtype]:
        """The checkpoint's value that won each entry."""
        return {WINNERS: torch.float64 if dtype is torch.float64 else torch.float32}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, place: Place) -> Callable[[slice], Merged]:
        """θ_pre + λ · (the entry of largest magnitude). Of two equal magnitudes the positive one wins."""
        before = place.parts.get(WINNERS)

        def kernel(span: slice) -> Merged:
            base = place.base.read(span)
            winners = base.clone() if before is None else before.read(span)
            largest = winners - base
            for _, flat in place.incoming:
                value = flat.read(span)
                tau = value - base
                better = _larger(tau, largest)
                winners[better], largest[better] = value[better], tau[better]
            values = winners if self.scaling == 1.0 else base.add_(largest.mul_(self.scaling))
            return values, {part: winners.to(dtype) for part, dtype in self.parts(place.dtype).items()}

        return kernel


def _larger(tau: Tensor, largest: Tensor) -> Tensor:
    one, other = tau.numpy(), largest.numpy()
    size, limit = np.abs(one), np.abs(other)
    return torch.from_numpy(np.flatnonzero((size > limit) | ((size == limit) & (one > other))))
