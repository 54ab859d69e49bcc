"""The k-th largest magnitude of a task vector that is streamed, for one tensor or a whole model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import CHUNK, Flat, Float64, Inputs, Place, require_finite
from merging.task_arithmetic import Thin
from merging.topk import Chunk, Plain, Values, kth_largest

_SAMPLE: Final = 1 << 16


@dataclass(frozen=True)
class Difference:
    """A chunk of a task vector, computed when it is read. Raises NotFinite then."""

    flat: Flat
    base: Flat
    span: slice

    @property
    def size(self) -> int:
        """The number of entries."""
        return int(self.span.stop - self.span.start)

    def collect(self, low: float, high: float, room: Float64, found: NDArray[np.uint64]) -> None:
        """See `topk.Chunk`."""
        base, flat = self.base, self.flat
        number = kernels.collect(base.elements(self.span), flat.elements(self.span), low, high, room, found)
        require_finite(number, flat.name, (base, flat))


def magnitude_limit(places: Sequence[Place], index: int, rank: int, thin: Thin | None = None) -> float:
    """The rank-th largest magnitude, from 1, of checkpoint `index`'s task vector over these tensors; exact.

    thin: what is done to the task vector first. A rank of 0 gives infinity.
    """
    size = sum(place.size for place in places)
    if not rank or not size:
        return np.inf if not rank else 0.0

    def chunks() -> Iterator[Chunk]:
        for place in places:
            flat = dict(place.incoming)[index]
            for span in place.spans():
                if thin is None:
                    yield Difference(flat, place.base, span)
                else:
                    tau = flat.difference(span, place.base.read(span))
                    thin(tau, flat.name, index, span.start)
                    yield Plain(tau)
            if len(places) > 1:
                flat.release()
                place.base.release()

    sample = np.zeros(0) if thin is not None or size <= CHUNK else _sample(places, index, size)
    return kth_largest(chunks, sample, rank / size, rank)


def places_of(inputs: Inputs, index: int) -> list[Place]:
    """The merged tensors that checkpoint `index` has."""
    return [place for place in inputs.places() if any(number == index for number, _ in place.incoming)]


def _sample(places: Sequence[Place], index: int, size: int) -> Values:
    """Magnitudes spread evenly over the tensors."""
    stride = max(size // _SAMPLE, 32) | 1  # odd, so that it does not align with rows of a power of two
    found = []
    for place in places:
        spread = slice(stride // 2, None, stride)
        flat = dict(place.incoming)[index]
        found.append(np.abs(flat.difference(spread, place.base.read(spread))))
        if len(places) > 1:
            flat.release()
            place.base.release()
    return np.concatenate(found)
