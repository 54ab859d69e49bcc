"""The running average of checkpoints: θ + (θ' − θ) T_k with T_k = u_k / (u_1 + ... + u_k).

Source: model soups, arXiv 2203.05482; its continual form keeps one running mean and the sum of utilities.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import Inputs, Kernel, TensorSlot, require_finite


@dataclass(frozen=True)
class Average:
    """The mean of head, which has the weight `before`, and of the checkpoints, weighted by their utilities."""

    before: float
    utilities: tuple[float, ...]

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """No tensors: the sum of utilities is a number."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Do nothing."""

    def open(self, slot: TensorSlot) -> Kernel:
        """(Σ_before θ + Σ u_i θ'_i) / Σ: one division, so that equal utilities give correctly rounded means."""
        total = self.before + sum(self.utilities[index] for index, _ in slot.incoming)
        tensors = [tensor for _, tensor in slot.incoming]
        shares = [self.utilities[index] for index, _ in slot.incoming]
        if self.before:
            tensors.insert(0, slot.head)
            shares.insert(0, self.before)

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            number = kernels.combine([tensor.elements(span) for tensor in tensors], shares, out, total=total)
            require_finite(number, slot.name, tensors)
            return {}

        return kernel


def operating_time(utility: float, others: float) -> float:
    """T_k = u_k / (u_k + sum of the utilities of the base and of all tasks merged before)."""
    return utility / (utility + others)
