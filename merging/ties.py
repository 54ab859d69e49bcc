"""TIES: trim each task vector to its largest entries, elect a sign for each entry, average the entries that agree.

The continual form is exact: the result depends only on the sums and counts of the positive and of the negative trimmed
entries, so checkpoints merged one by one give the same result as all of them at once.
Source: "TIES-Merging: resolving interference when merging models", arXiv 2306.01708, algorithm 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.magnitudes import magnitude_limit, slots_of
from merging.streaming import CHUNK, Float64, Inputs, InputTensor, Kernel, TensorSlot, require_finite
from merging.task_arithmetic import Thin
from merging.tensor_bytes import NUMPY_DTYPES

PARTS: Final = {
    "positive_sum": "F64",
    "negative_sum": "F64",
    "positive_count": "I16",
    "negative_count": "I16",
}
"""Sums are float64, so that adding one checkpoint at a time rounds exactly as adding all of them does."""


@dataclass
class Ties:
    """Merge checkpoints by TIES.

    density: the share of a task vector's entries that trimming keeps; all entries equal to the limit are kept.
    scaling: λ, the factor of the mean. scope: whether each "tensor" or the whole "model" is trimmed at once.
    thin: applied to a task vector before trimming. stateful: whether to store the state for later checkpoints.
    """

    density: float
    scaling: float = 1.0
    scope: str = "tensor"
    thin: Thin | None = None
    stateful: bool = True
    _limits: dict[int, float] = field(default_factory=dict)

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """Sums and counts of trimmed entries, by sign."""
        return PARTS if self.stateful else {}

    def prepare(self, inputs: Inputs) -> None:
        """Compute the limit of each checkpoint's whole task vector, with scope "model"."""
        if self.scope == "tensor":
            return
        for index in range(len(inputs.incoming)):
            self._limits[index] = self._limit(slots_of(inputs, index), index)

    def open(self, slot: TensorSlot) -> Kernel:
        """θ_pre + λ · (the mean of the entries that have the elected sign)."""
        shared = self.scope == "model"
        limits = np.array([self._limits[i] if shared else self._limit([slot], i) for i, _ in slot.incoming])
        state = SignedSums(slot, self.stateful)
        tensors = [slot.base, *(tensor for _, tensor in slot.incoming)]
        rooms = np.empty((len(slot.incoming) if self.thin else 0, min(CHUNK, slot.size)))

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            sums = state.start(span)
            if self.thin is None:
                raws = [tensor.elements(span) for _, tensor in slot.incoming]
            else:
                base = slot.base.read(span)
                raws = [
                    self._vector(base, tensor, index, span, room[: base.size])
                    for room, (index, tensor) in zip(rooms, slot.incoming, strict=True)
                ]
            thinned = self.thin is not None
            base = slot.base.elements(span)
            number = kernels.elect(base, raws, limits, self.scaling, out, vectors=thinned, sums=sums)
            require_finite(number, slot.name, tensors)
            return state.kept()

        return kernel

    def _vector(
        self, base: Float64, tensor: InputTensor, index: int, span: slice, out: Float64 | None = None
    ) -> Float64:
        tau = tensor.difference(span, base, out)
        if self.thin is not None:
            self.thin(tau, tensor.name, index, span.start)
        return tau

    def _limit(self, slots: Sequence[TensorSlot], index: int) -> float:
        """The smallest magnitude that trimming keeps."""
        size = sum(slot.size for slot in slots)
        return magnitude_limit(slots, index, max(1, round(self.density * size)), self.thin) if size else 0.0


class SignedSums:
    """One chunk of the four parts of the state, from the previous version or zeros."""

    def __init__(self, slot: TensorSlot, keep: bool) -> None:
        self._before = slot.parts
        self._stored = keep
        self._sums = np.empty((len(PARTS), min(CHUNK, slot.size))) if keep or slot.parts else None
        self._size = 0

    def start(self, span: slice) -> Float64 | None:
        """The sums and counts of earlier checkpoints, [4, at least the chunk's size]; None if none are stored."""
        self._size = span.stop - span.start
        if self._sums is not None:
            for part, values in zip(PARTS, self._sums, strict=True):
                before = self._before.get(part)
                values[: self._size] = 0.0 if before is None else before.stored.elements[span]
        return self._sums

    def kept(self) -> dict[str, NDArray[Any]]:
        """The parts in their stored dtypes; empty if none are stored."""
        if not self._stored or self._sums is None:
            return {}
        return {
            part: values[: self._size].astype(NUMPY_DTYPES[dtype])
            for (part, dtype), values in zip(PARTS.items(), self._sums, strict=True)
        }
