"""DELLA: drop entries of each task vector at random, small ones more often, then elect signs and average as TIES does.

Within a row, the entry of the r-th smallest of n magnitudes is kept with probability (density − ε) + 2ε (r − 1)/(n − 1)
and divided by it. The sums and counts by sign that TIES keeps are all that the result depends on: exact continually.
Source: "DELLA-Merging: reducing interference in model merging through magnitude-based sampling", arXiv 2406.11617,
section 3 (MagPrune); ranks by row as in its code, and in mergekit.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import Float64, Inputs, InputTensor, Kernel, TensorSlot, require_finite
from merging.ties import PARTS, SignedSums

_GOLDEN: Final = np.uint64(0x9E37_79B9_7F4A_7C15)


@dataclass(frozen=True)
class Della:
    """One merge by DELLA.

    density: the mean probability that an entry is kept. epsilon: ε, half the span of those probabilities; density ± ε
    lie within 0 and 1. scaling: λ, the share of the elected mean that is added. labels: one for each checkpoint, so
    that drops differ; None takes a checkpoint whole. seed: of the drops, which depend on seed, label, the tensor's name
    and the entry's position alone.
    """

    density: float
    epsilon: float
    scaling: float
    seed: int
    labels: Sequence[str | None]

    def __post_init__(self) -> None:
        if not (self.epsilon < self.density and self.density + self.epsilon < 1.0):
            raise ValueError(
                f"density {self.density:g} and epsilon {self.epsilon:g} do not go together: density ± epsilon are "
                "probabilities, which must lie between 0 and 1"
            )

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """Sums and counts of kept entries, by sign: the state of TIES."""
        return PARTS

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, slot: TensorSlot) -> Kernel:
        """θ_pre + λ · (the mean of the kept entries that have the elected sign)."""
        state = SignedSums(slot, keep=True)
        limits = np.zeros(len(slot.incoming))
        tensors = [slot.base, *(tensor for _, tensor in slot.incoming)]

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            sums = state.start(span)
            vectors = [self._pruned(slot, index, tensor, span) for index, tensor in slot.incoming]
            base = slot.base.elements(span)
            number = kernels.elect(base, vectors, limits, self.scaling, out, vectors=True, sums=sums)
            require_finite(number, slot.name, tensors)
            return state.kept()

        return kernel

    def _pruned(self, slot: TensorSlot, index: int, tensor: InputTensor, span: slice) -> Float64:
        """A chunk of the pruned task vector; whole rows are read, because ranks need them."""
        width = slot.shape[-1] if len(slot.shape) == 2 else slot.size // (slot.shape[0] if len(slot.shape) > 1 else 1)
        rows = slice(span.start // width * width, -(-span.stop // width) * width)
        tau = tensor.difference(rows, slot.base.read(rows)).copy()
        label = self.labels[index]
        if label is not None:
            keep = keep_probabilities(tau.reshape(-1, width), self.density, self.epsilon).reshape(-1)
            dropped = uniforms(f"{self.seed}/{label}/{slot.name}", rows.start, tau.size) >= keep
            tau /= keep
            tau[dropped] = 0.0
        return np.asarray(tau[span.start - rows.start : span.stop - rows.start])


def keep_probabilities(tau: Float64, density: float, epsilon: float) -> Float64:
    """The probability that each entry is kept, [rows, columns]; of equal magnitudes the later one ranks higher."""
    columns = tau.shape[1]
    if columns == 1:
        return np.full(tau.shape, density)
    order = np.argsort(np.abs(tau), axis=1, kind="stable")
    ranks = np.empty(tau.shape)
    np.put_along_axis(ranks, order, np.arange(columns, dtype=np.float64)[None, :], axis=1)
    return np.asarray((density - epsilon) + ranks * (2.0 * epsilon / (columns - 1)))


def uniforms(label: str, first: int, count: int) -> Float64:
    """Numbers in [0, 1) from position `first` on of the label's splitmix64 stream, the one that `dare` draws from.

    Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    key = np.uint64(int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "little"))
    z = np.arange(first + 1, first + count + 1, dtype=np.uint64)
    z *= _GOLDEN
    z += key
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    z ^= z >> np.uint64(31)
    return np.asarray((z >> np.uint64(11)).astype(np.float64) * 2.0**-53)
