"""PCB-Merging in its continual form: weigh each entry by how it competes within its task and against the sum of all.

The balance of task j's entry is exp(n β²) tanh(τ_j S), β its magnitude between the smallest and the largest of its
tensor (outliers clipped), n the number of tasks. Entries below the tensor's top share of balances get no weight, the
rest one from 0 to 1; the result is the weighted mean. Merging all checkpoints at once gives the published method by
tensor. Continually it is an approximation: the weights of each task are made with the sum and the number of tasks at
its arrival.
Source: "Parameter competition balancing for model merging", arXiv 2410.02396, section 3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.magnitudes import magnitude_limit
from merging.running_sums import SUM, RunningSum
from merging.streaming import Float64, Inputs, InputTensor, Kernel, TensorSlot
from merging.topk import Chunk, Plain, kth_largest

WEIGHTED_SUM: Final = "weighted_sum"
WEIGHT: Final = "weight"
CLIPPED: Final = 1e-4
"""The share of a task vector's smallest, and of its largest, magnitudes that are clipped. Source: the authors' code."""

APPROXIMATION: Final = (
    "Each task's weights were made with the sum and the number of task vectors at its arrival; the published method "
    "makes all weights with those of all tasks, and ranks over the whole model instead of each tensor."
)


@dataclass(frozen=True)
class Pcb:
    """One merge by PCB-Merging.

    tasks: n, how many task vectors S has after this merge. density: the share of entries, by balance, that get a
    weight. scaling: the share of the weighted mean that is added to the base.
    """

    tasks: int
    density: float
    scaling: float

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """S, the weighted sum, and the sum of weights."""
        return {SUM: "F64", WEIGHTED_SUM: "F64", WEIGHT: "F64"}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, slot: TensorSlot) -> Kernel:
        """θ_pre + scaling · Σ w_j ∘ τ_j / Σ w_j."""
        total, weighted, weight = (RunningSum(slot, part) for part in self.parts(slot.dtype))
        competitors = [self._competitor(slot, index, tensor) for index, tensor in slot.incoming]

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base = slot.base.read(span)
            sums, upper, lower = total.start(span), weighted.start(span), weight.start(span)
            self._add(slot, span, base, sums)
            for competitor in competitors:
                tau, share = competitor.weigh(span, base, sums)
                upper += share * tau
                lower += share
            slot.round(base + self.scaling * (upper / np.maximum(lower, 1e-12)), out)
            return {SUM: sums, WEIGHTED_SUM: upper, WEIGHT: lower}

        return kernel

    def _competitor(self, slot: TensorSlot, index: int, tensor: InputTensor) -> "_Competitor":
        size = slot.size
        low = magnitude_limit([slot], index, size - int(size * CLIPPED))
        high = magnitude_limit([slot], index, size - int(size * (1.0 - CLIPPED) - 1))
        rival = _Competitor(tensor, low, high, self.tasks)
        total = RunningSum(slot, SUM)

        def chunks() -> Iterator[Chunk]:
            for span in slot.spans():
                base = slot.base.read(span)
                sums = total.start(span)
                self._add(slot, span, base, sums)
                # Entries that lose against the sum never weigh: with their balances as zero, the order by magnitude
                # is the order by value.
                yield Plain(np.maximum(rival.balance(tensor.difference(span, base), sums), 0.0))

        rank = size - min(int(size * (1.0 - self.density)), size - 1)
        rival.least = kth_largest(chunks, np.zeros(0), rank / size, rank)
        rival.largest = kth_largest(chunks, np.zeros(0), 1 / size, 1)
        return rival

    @staticmethod
    def _add(slot: TensorSlot, span: slice, base: Float64, sums: Float64) -> None:
        for _, tensor in slot.incoming:
            sums += tensor.difference(span, base)


@dataclass
class _Competitor:
    """One task vector in one tensor: its clipping range, and the range of its balances that counts."""

    tensor: InputTensor
    low: float
    high: float
    tasks: int
    least: float = 0.0
    largest: float = 0.0

    def balance(self, tau: Float64, sums: Float64) -> Float64:
        """exp(n β²) tanh(τ S)."""
        width = self.high - self.low
        beta = (np.clip(np.abs(tau), self.low, self.high) - self.low) / width if width else np.zeros(tau.size)
        return np.exp(self.tasks * beta**2) * np.tanh(tau * sums)

    def weigh(self, span: slice, base: Float64, sums: Float64) -> tuple[Float64, Float64]:
        """The clipped task vector, and its weights from 0 to 1."""
        tau = self.tensor.difference(span, base)
        width = self.largest - self.least
        share = np.clip((self.balance(tau, sums) - self.least) / width, 0.0, 1.0) if width else np.ones(tau.size)
        return np.sign(tau) * np.clip(np.abs(tau), self.low, self.high), share
