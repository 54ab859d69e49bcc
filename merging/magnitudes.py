"""The k-th largest magnitude of a task vector that is streamed, for one tensor or a whole model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import CHUNK, Float64, Inputs, InputTensor, TensorSlot, require_finite
from merging.task_arithmetic import Thin
from merging.topk import Chunk, Plain, Values, kth_largest

_SAMPLE: Final = 1 << 16


@dataclass(frozen=True)
class Difference:
    """A chunk of a task vector, computed when it is read. Raises NotFinite then."""

    tensor: InputTensor
    base: InputTensor
    span: slice

    @property
    def size(self) -> int:
        """The number of entries."""
        return int(self.span.stop - self.span.start)

    def collect(self, low: float, high: float, room: Float64, selected: NDArray[np.uint64]) -> None:
        """See `topk.Chunk`."""
        base, tensor = self.base, self.tensor
        number = kernels.collect(base.elements(self.span), tensor.elements(self.span), low, high, room, selected)
        require_finite(number, tensor.name, (base, tensor))


def magnitude_limit(slots: Sequence[TensorSlot], index: int, rank: int, thin: Thin | None = None) -> float:
    """The rank-th largest magnitude, from 1, of checkpoint `index`'s task vector over these tensors; exact.

    thin: what is done to the task vector first. A rank of 0 gives infinity.
    """
    size = sum(slot.size for slot in slots)
    if not rank or not size:
        return np.inf if not rank else 0.0

    def chunks() -> Iterator[Chunk]:
        for slot in slots:
            tensor = dict(slot.incoming)[index]
            for span in slot.spans():
                if thin is None:
                    yield Difference(tensor, slot.base, span)
                else:
                    tau = tensor.difference(span, slot.base.read(span))
                    thin(tau, tensor.name, index, span.start)
                    yield Plain(tau)
            if len(slots) > 1:
                tensor.release()
                slot.base.release()

    sample = np.zeros(0) if thin is not None or size <= CHUNK else _sample(slots, index, size)
    return kth_largest(chunks, sample, rank / size, rank)


def slots_of(inputs: Inputs, index: int) -> list[TensorSlot]:
    """The merged tensors that checkpoint `index` has."""
    return [slot for slot in inputs.slots() if any(number == index for number, _ in slot.incoming)]


def _sample(slots: Sequence[TensorSlot], index: int, size: int) -> Values:
    """Magnitudes spread evenly over the tensors."""
    stride = max(size // _SAMPLE, 32) | 1  # odd, so that it does not align with rows of a power of two
    magnitudes = []
    for slot in slots:
        spread = slice(stride // 2, None, stride)
        tensor = dict(slot.incoming)[index]
        magnitudes.append(np.abs(tensor.difference(spread, slot.base.read(spread))))
        if len(slots) > 1:
            tensor.release()
            slot.base.release()
    return np.concatenate(magnitudes)
