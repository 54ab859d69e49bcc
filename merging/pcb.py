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
from merging.streaming import Flat, Float64, Inputs, Kernel, Place
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

    def open(self, place: Place) -> Kernel:
        """θ_pre + scaling · Σ w_j ∘ τ_j / Σ w_j."""
        total, weighted, weight = (RunningSum(place, part) for part in self.parts(place.dtype))
        competitors = [self._competitor(place, index, flat) for index, flat in place.incoming]

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base = place.base.read(span)
            sums, upper, lower = total.start(span), weighted.start(span), weight.start(span)
            self._add(place, span, base, sums)
            for competitor in competitors:
                tau, share = competitor.weigh(span, base, sums)
                upper += share * tau
                lower += share
            place.round(base + self.scaling * (upper / np.maximum(lower, 1e-12)), out)
            return {SUM: sums, WEIGHTED_SUM: upper, WEIGHT: lower}

        return kernel

    def _competitor(self, place: Place, index: int, flat: Flat) -> "_Competitor":
        size = place.size
        low = magnitude_limit([place], index, size - int(size * CLIPPED))
        high = magnitude_limit([place], index, size - int(size * (1.0 - CLIPPED) - 1))
        rival = _Competitor(flat, low, high, self.tasks)
        total = RunningSum(place, SUM)

        def chunks() -> Iterator[Chunk]:
            for span in place.spans():
                base = place.base.read(span)
                sums = total.start(span)
                self._add(place, span, base, sums)
                # Entries that lose against the sum never weigh: with their balances as zero, the order by magnitude
                # is the order by value.
                yield Plain(np.maximum(rival.balance(flat.difference(span, base), sums), 0.0))

        rank = size - min(int(size * (1.0 - self.density)), size - 1)
        rival.least = kth_largest(chunks, np.zeros(0), rank / size, rank)
        rival.most = kth_largest(chunks, np.zeros(0), 1 / size, 1)
        return rival

    @staticmethod
    def _add(place: Place, span: slice, base: Float64, sums: Float64) -> None:
        for _, flat in place.incoming:
            sums += flat.difference(span, base)


@dataclass
class _Competitor:
    """One task vector in one tensor: its clipping range, and the range of its balances that counts."""

    flat: Flat
    low: float
    high: float
    tasks: int
    least: float = 0.0
    most: float = 0.0

    def balance(self, tau: Float64, sums: Float64) -> Float64:
        """exp(n β²) tanh(τ S)."""
        width = self.high - self.low
        beta = (np.clip(np.abs(tau), self.low, self.high) - self.low) / width if width else np.zeros(tau.size)
        return np.exp(self.tasks * beta**2) * np.tanh(tau * sums)

    def weigh(self, span: slice, base: Float64, sums: Float64) -> tuple[Float64, Float64]:
        """The clipped task vector, and its weights from 0 to 1."""
        tau = self.flat.difference(span, base)
        width = self.most - self.least
        share = np.clip((self.balance(tau, sums) - self.least) / width, 0.0, 1.0) if width else np.ones(tau.size)
        return np.sign(tau) * np.clip(np.abs(tau), self.low, self.high), share
