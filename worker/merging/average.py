"""The running average of checkpoints: θ + (θ' − θ) T_k with T_k = u_k / (u_1 + ... + u_k).

Source: model soups, arXiv 2203.05482; its continual form keeps one running mean and the sum of utilities.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from worker.merging import kernels
from worker.merging.streaming import CHUNK, Inputs, Merged, Place


@dataclass(frozen=True)
class Average:
    """The mean of what was merged before, which weighs `before`, and of the checkpoints, by their utilities."""

    before: float
    utilities: tuple[float, ...]

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """None: the sum of utilities is a number."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, place: Place) -> Callable[[slice], Merged]:
        """(Σ_before θ + Σ u_i θ'_i) / Σ: one division, so that equal utilities give correctly rounded means."""
        total = self.before + sum(self.utilities[index] for index, _ in place.incoming)
        room = np.empty(min(CHUNK, place.size))

        def kernel(span: slice) -> Merged:
            mean = room[: span.stop - span.start]
            mean.fill(-0.0)  # what adding leaves as it is, zeros' signs too
            if self.before:
                place.head.add_to(mean, span, self.before)
            for index, flat in place.incoming:
                flat.add_to(mean, span, self.utilities[index])
            # By a power of two a product is the same number and several times faster.
            if math.frexp(total)[0] == 0.5:
                kernels.scale(mean, 1.0 / total)
            else:
                kernels.divide(mean, total)
            return mean, {}

        return kernel


def operating_time(utility: float, others: float) -> float:
    """T_k = u_k / (u_k + the utilities of all that was merged before, the base's included)."""
    return utility / (utility + others)
