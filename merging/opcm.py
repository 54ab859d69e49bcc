"""OPCM: orthogonal projection-based continual merging.

Removes from each incoming task vector its components in the leading singular subspace of the merged one and on its
singular diagonal, then scales the sum to the mean norm of the task vectors so far.
Source: "Merging models on the fly without retraining", arXiv 2501.09522, and its code with the diagonal cleared.
"""

import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import Float64, Inputs, Kernel, TensorSlot, dot

_LINEAR: Final = ("weight", "proj", "in_proj_weight")
"""Last components of the names of two-dimensional tensors that are weights of linear layers."""

_FUSED: Final = ("in_proj_weight", "qkv.weight")
"""Suffixes of the names of weights that stack query, key and value: three linear layers with the same input."""


@dataclass
class Opcm:
    """Merge one checkpoint by OPCM.

    alpha: the leading subspace has the smallest rank whose singular values sum to more than this share of all.
    count, mean_norm, scale: the state: number of checkpoints, mean norm of their task vectors, λ; `prepare` updates
    them to those of the new version. scratch: a folder for an unnamed file of projected weights, in float64.
    """

    alpha: float
    scratch: Path
    count: int = 0
    mean_norm: float = 0.0
    scale: float = 1.0
    _before: float = 1.0
    _projected: dict[str, Float64] = field(default_factory=dict)

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """No tensors: the state is three numbers."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Project every linear weight, and compute λ = ‖λ_prev τ_m + τ'‖ / mean_j ‖τ'_j‖ over the whole network."""
        if len(inputs.incoming) != 1:
            raise ValueError("opcm merges one checkpoint at a time")
        self._before = self.scale
        squares, merged_squares = 0.0, 0.0
        self._reserve(inputs)
        for slot in inputs.slots():
            if not slot.incoming:
                continue
            squares += self._square_and_check(slot)
            if self.count and is_linear(slot):
                self._project(slot)
            for span in slot.spans():
                vector = self._vector(slot, span)
                merged_squares += dot(vector, vector)
        self.mean_norm = (self.count * self.mean_norm + math.sqrt(squares)) / (self.count + 1)
        self.count += 1
        self.scale = math.sqrt(merged_squares) / self.mean_norm if self.count > 1 and self.mean_norm > 0 else 1.0
        self.scale = self.scale or 1.0

    def open(self, slot: TensorSlot) -> Kernel:
        """θ_pre + (λ_prev τ_m + τ') / λ; the first checkpoint is kept unchanged."""

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            if self.count == 1:
                slot.round(slot.incoming[0][1].read(span), out)
                return {}
            vector = self._vector(slot, span)
            vector /= self.scale
            vector += slot.base.read(span)
            slot.round(vector, out)
            return {}

        return kernel

    @staticmethod
    def _square_and_check(slot: TensorSlot) -> float:
        """‖τ'‖² of one tensor. Raises NotFinite for any of the three tensors, before the decomposition."""
        squares = 0.0
        for span in slot.spans():
            slot.head.read(span)
            tau = slot.incoming[0][1].difference(span, slot.base.read(span))
            squares += dot(tau, tau)
        return squares

    def _vector(self, slot: TensorSlot, span: slice) -> Float64:
        """λ_prev τ_m + τ', with τ' projected if the tensor is a linear weight."""
        if slot.name in self._projected:
            return self._projected[slot.name].reshape(-1)[span].copy()
        base = slot.base.read(span)
        tau = slot.incoming[0][1].difference(span, base)
        if self.count:
            kernels.add_scaled(tau, slot.head.difference(span, base), self._before)
        return tau

    def _reserve(self, inputs: Inputs) -> None:
        """Map an unnamed temporary file for the projected weights; the system deletes it with the process."""
        if not self.count:
            return
        linear = {slot.name: slot.shape for slot in inputs.slots() if slot.incoming and is_linear(slot)}
        total = sum(math.prod(shape) for shape in linear.values())
        if not total:
            return
        with tempfile.TemporaryFile(dir=self.scratch) as file:
            room = np.memmap(file, dtype=np.float64, mode="w+", shape=(total,))
        position = 0
        for name, shape in linear.items():
            size = math.prod(shape)
            self._projected[name] = room[position : position + size].reshape(shape)
            position += size

    def _project(self, slot: TensorSlot) -> None:
        from merging.svd import Subspace  # noqa: PLC0415  SciPy is slow to import, and only used here

        target = self._projected[slot.name]
        for rows in layer_rows(slot):
            base, head, incoming = (
                tensor.stored.matrix[rows] for tensor in (slot.base, slot.head, slot.incoming[0][1])
            )
            subspace = Subspace(base, head, self.alpha)
            for columns, rest in subspace.project(base, incoming):
                merged = subspace.block(base, head, columns)
                merged *= self._before
                merged += rest
                subspace.put(target[rows], columns, merged)


def is_linear(slot: TensorSlot) -> bool:
    """Whether a tensor is the weight of a linear layer, by its shape and name. Embeddings are lookup tables."""
    last = slot.name.rpartition(".")[2]
    return len(slot.shape) == 2 and last in _LINEAR and "emb" not in slot.name and 0 not in slot.shape


def layer_rows(slot: TensorSlot) -> Iterator[slice]:
    """The rows of each linear layer in a weight [out, in]: three ranges if query, key and value are fused, else one."""
    rows = slot.shape[0]
    each = rows // 3 if slot.name.endswith(_FUSED) and rows % 3 == 0 else rows
    return (slice(start, start + each) for start in range(0, rows, each))
