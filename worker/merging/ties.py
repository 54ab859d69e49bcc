"""TIES: trim each task vector to its largest entries, elect a sign for each entry, take the mean of those that agree.

Exact continually: the sums and counts of the positive and of the negative trimmed entries so far are all that the
result depends on, so checkpoints that come one by one give what all of them at once give.
Source: "TIES-Merging: resolving interference when merging models", arXiv 2306.01708, algorithm 1.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from worker.merging import kernels
from worker.merging.raw import CARRIERS
from worker.merging.streaming import CHUNK, Flat, Float64, Inputs, Merged, Place
from worker.merging.task_arithmetic import Thin
from worker.merging.threshold import Values, kth_largest

PARTS: Final = {
    "positive_sum": "F64",
    "negative_sum": "F64",
    "positive_count": "I16",
    "negative_count": "I16",
}
"""Sums are float64, so that adding one checkpoint at a time rounds exactly as adding all of them does."""

_SAMPLE: Final = 1 << 16


@dataclass
class Ties:
    """One merge by TIES.

    density: the share of a task vector's entries that trimming keeps; of equal magnitudes at the limit all stay.
    scaling: λ, what is taken of the mean. scope: whether a "tensor" or the whole "model" is trimmed at once.
    thin: what is done to a task vector before. stateful: whether the state is kept for checkpoints to come.
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
        """With scope "model": the limit of each checkpoint's whole task vector."""
        if self.scope == "tensor":
            return
        for index in range(len(inputs.incoming)):
            places = [place for place in inputs.places() if any(number == index for number, _ in place.incoming)]
            self._limits[index] = self._limit(places, index)

    def open(self, place: Place) -> Callable[[slice], Merged]:
        """θ_pre + λ · (the mean of the entries that have the elected sign)."""
        limits = {
            index: self._limits[index] if self.scope == "model" else self._limit([place], index)
            for index, _ in place.incoming
        }
        state = _State(place)

        def kernel(span: slice) -> Merged:
            base = place.base.read(span)
            state.start(span)
            for index, flat in place.incoming:
                if self.thin is None:
                    flat.require(kernels.add_trimmed(flat.elements(span), base, limits[index], *state.sums()))
                else:
                    tau = self._vector(base, flat, index, span)
                    kernels.add_trimmed(tau, np.zeros_like(tau), limits[index], *state.sums())
            state.add_elected_mean(base, self.scaling)
            return base, state.kept() if self.stateful else {}

        return kernel

    def _vector(self, base: Float64, flat: Flat, index: int, span: slice) -> Float64:
        tau = flat.difference(span, base)
        if self.thin is not None:
            self.thin(tau, flat.name, index, span.start)
        return tau

    def _limit(self, places: Sequence[Place], index: int) -> float:
        """The smallest magnitude that trimming keeps."""
        size = sum(place.size for place in places)
        if size == 0:
            return 0.0
        k = max(1, round(self.density * size))

        def chunks() -> Iterator[Values]:
            for place in places:
                flat = dict(place.incoming)[index]
                for span in place.spans():
                    yield self._vector(place.base.read(span), flat, index, span)
                if len(places) > 1:
                    flat.release()
                    place.base.release()

        return kth_largest(chunks, self._sample(places, index, size), k / size, k)

    def _sample(self, places: Sequence[Place], index: int, size: int) -> Values:
        """Magnitudes from all over; none where a single pass sees little more."""
        if self.thin is not None or size <= CHUNK:
            return np.zeros(0)
        stride = max(size // _SAMPLE, 32) | 1  # odd, so that it falls into no rows of a power of two
        found = []
        for place in places:
            spread = slice(stride // 2, None, stride)
            flat = dict(place.incoming)[index]
            found.append(np.abs(flat.difference(spread, place.base.read(spread))))
            if len(places) > 1:
                flat.release()
                place.base.release()
        return np.concatenate(found)


class _State:
    """A chunk of the four parts: those of the version before, or zeros, with trimmed task vectors added."""

    def __init__(self, place: Place) -> None:
        self._before = place.parts
        self._rooms = {part: np.empty(min(CHUNK, place.size)) for part in PARTS}
        self._parts: dict[str, Float64] = {}
        self._begun = False

    def start(self, span: slice) -> None:
        """Begin a chunk."""
        size = span.stop - span.start
        self._parts = {part: room[:size] for part, room in self._rooms.items()}
        for part, before in self._before.items():
            self._parts[part][:] = before.raw.flat[span]
        self._begun = bool(self._before)

    def sums(self) -> tuple[bool, Float64, Float64, Float64, Float64]:
        """What one task vector more is added to, after whether this is the first."""
        first, self._begun = not self._begun, True
        return (first, *self._parts.values())  # type: ignore[return-value]

    def add_elected_mean(self, into: Float64, scaling: float) -> None:
        """The sign of an entry's total is elected; a total of 0 elects none, and the entry stays the base's."""
        kernels.add_elected_mean(into, scaling, *self._parts.values())

    def kept(self) -> dict[str, NDArray[Any]]:
        """The parts as they are stored."""
        return {part: values.astype(CARRIERS[PARTS[part]], copy=False) for part, values in self._parts.items()}
