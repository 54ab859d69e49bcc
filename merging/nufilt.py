"""NUFILT's null-space filter: a task vector is added outside the leading right singular space of the merged update.

merged + τ P, P = I − V Vᵀ, V the leading right singular vectors of merged − base. It needs no state but the merged
weights, and depends on the order of the tasks. The published method trains a low-rank adapter after it, from a random
start, to give back some of what the filter takes; that is left out here.
Source: "Null-space filtering for data-free continual model merging", arXiv 2509.21413, equation 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from merging.matrices import matrix_view
from merging.streaming import CHUNK, WEIGHTS, Emit, Float64, Inputs, StateTensor, TensorSlot
from merging.tensor_bytes import NUMPY_DTYPES
from merging.thin_svd import present, thin_svd

APPROXIMATION: Final = (
    "The published method trains a low-rank adapter after its null-space filter, from a random start; only the filter "
    "is applied here. The result depends on the order of the tasks."
)


@dataclass
class NuFilt:
    """One merge by the null-space filter, of one checkpoint after another.

    before: how many tasks the merged weights have. rank: the number of leading directions that are protected.
    """

    before: int
    rank: int

    def state_tensors(self, slot: TensorSlot) -> Mapping[str, StateTensor]:  # noqa: ARG002
        """None: the merged weights are the state."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def merge_tensor(self, slot: TensorSlot, emit: Emit) -> None:
        """θ + τ P for matrices; the running average elsewhere. Raises NotFinite."""
        view = matrix_view(slot.name, slot.shape, slot.dtype)
        merged = np.empty(slot.size)
        for span in slot.spans():
            slot.head.difference(span, slot.base.read(span), merged[span])
        for number, (_, flat) in enumerate(slot.incoming):
            tau = np.empty(slot.size)
            for span in slot.spans():
                flat.difference(span, slot.base.read(span), tau[span])
            if view is None:
                merged += (tau - merged) / (self.before + number + 1)
                continue
            for update, own in zip(view.apply(merged), view.apply(tau), strict=True):
                update[:] = update + filtered(own, update, self.rank)
        out = np.empty(min(CHUNK, slot.size), NUMPY_DTYPES[slot.dtype])
        for span in slot.spans():
            rounded = out[: span.stop - span.start]
            slot.round(slot.base.read(span) + merged[span], rounded)
            emit(WEIGHTS, rounded)


def filtered(tau: Float64, merged: Float64, rank: int) -> Float64:
    """τ P, [rows, columns]; merged: the update so far. A zero update filters nothing."""
    _, values, right = thin_svd(merged)
    leading = right[:rank][present(values, merged.shape)[:rank]]
    return np.asarray(tau - (tau @ leading.T) @ leading)
