"""The running average of checkpoints: θ + (θ' − θ) T_k with T_k = u_k / (u_1 + ... + u_k).

Source: model soups, arXiv 2203.05482; its continual form keeps one running mean and the sum of utilities.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from worker.merging import kernels
from worker.merging.streaming import Inputs, Merged, Place


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
        shares = [(flat, self.utilities[index]) for index, flat in place.incoming]
        if self.before:
            shares.insert(0, (place.head, self.before))

        def kernel(span: slice) -> Merged:
            (first, utility), *others = shares
            mean = first.read(span, utility)
            for flat, share in others:
                flat.add_to(mean, span, share)
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
