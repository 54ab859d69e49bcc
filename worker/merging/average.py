"""The running average of checkpoints: θ + (θ' − θ) T_k with T_k = u_k / (u_1 + ... + u_k).

Source: model soups, arXiv 2203.05482; its continual form keeps one running mean and the sum of utilities.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from worker.merging.streaming import Inputs, Merged, Place


@dataclass(frozen=True)
class Average:
    """The mean of what was merged before, which weighs `before`, and of the checkpoints, by their utilities."""

    before: float
    utilities: tuple[float, ...]

    def parts(self, dtype: torch.dtype) -> Mapping[str, torch.dtype]:  # noqa: ARG002
        """None: the sum of utilities is a number."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, place: Place) -> Callable[[slice], Merged]:
        """(Σ_before θ + Σ u_i θ'_i) / Σ: one division, so that equal utilities give correctly rounded means."""
        total = self.before + sum(self.utilities[index] for index, _ in place.incoming)

        def kernel(span: slice) -> Merged:
            mean = None
            if self.before:
                mean = place.head.read(span).mul_(self.before)
            for index, flat in place.incoming:
                item = flat.read(span)
                utility = self.utilities[index]
                if utility != 1.0:
                    item.mul_(utility)
                mean = item if mean is None else mean.add_(item)
            assert mean is not None  # noqa: S101  there is an incoming tensor
            # By a power of two a product is the same number and several times faster.
            return (mean.mul_(1.0 / total) if math.frexp(total)[0] == 0.5 else mean.div_(total)), {}

        return kernel


def operating_time(utility: float, others: float) -> float:
    """T_k = u_k / (u_k + the utilities of all that was merged before, the base's included)."""
    return utility / (utility + others)
