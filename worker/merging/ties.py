"""TIES: trim each task vector to its largest entries, elect a sign for each entry, take the mean of those that agree.

Exact continually: the sums and counts of the positive and of the negative trimmed entries so far are all that the
result depends on, so checkpoints that come one by one give what all of them at once give.
Source: "TIES-Merging: resolving interference when merging models", arXiv 2306.01708, algorithm 1.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import hardshrink

from worker.merging.streaming import CHUNK, Flat, Inputs, Merged, Place
from worker.merging.task_arithmetic import Thin
from worker.merging.threshold import Magnitudes, kth_largest

PARTS: Final = {
    "positive_sum": torch.float64,
    "negative_sum": torch.float64,
    "positive_count": torch.int16,
    "negative_count": torch.int16,
}
"""Sums are float64, so that adding one checkpoint at a time rounds exactly as adding all of them does."""

_SAMPLE: Final = 1 << 14


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

    def parts(self, dtype: torch.dtype) -> Mapping[str, torch.dtype]:  # noqa: ARG002
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

        def kernel(span: slice) -> Merged:
            base = place.base.read(span)
            state = _State(place, span)
            for index, flat in place.incoming:
                tau = self._vector(base, flat, index, span)
                state.add(hardshrink(tau, float(np.nextafter(limits[index], -1.0))))
            mean = state.elected_mean()
            return base.add_(mean.mul_(self.scaling)), state.parts if self.stateful else {}

        return kernel

    def _vector(self, base: Tensor, flat: Flat, index: int, span: slice) -> Tensor:
        tau = flat.read(span).sub_(base)
        return tau if self.thin is None else self.thin(tau, flat.name, index, span.start)

    def _limit(self, places: Sequence[Place], index: int) -> float:
        """The smallest magnitude that trimming keeps."""
        size = sum(place.base.raw.numel() for place in places)
        if size == 0:
            return 0.0
        k = max(1, round(self.density * size))

        def chunks() -> Iterator[Magnitudes]:
            for place in places:
                flat = dict(place.incoming)[index]
                for span in place.spans():
                    yield self._vector(place.base.read(span), flat, index, span).abs_().numpy()
                if len(places) > 1:
                    flat.release()
                    place.base.release()

        return kth_largest(chunks, self._sample(places, index, size), k / size, k)

    def _sample(self, places: Sequence[Place], index: int, size: int) -> Magnitudes:
        """Magnitudes from all over; none where a single pass sees little more."""
        if self.thin is not None or size <= CHUNK:
            return np.zeros(0)
        stride = size // _SAMPLE | 1  # odd, so that it falls into no rows of a power of two
        found = []
        for place in places:
            spread = slice(stride // 2, None, stride)
            flat = dict(place.incoming)[index]
            found.append(flat.read(spread).sub_(place.base.read(spread)).abs_().numpy())
            if len(places) > 1:
                flat.release()
                place.base.release()
        return np.concatenate(found)


class _State:
    """A chunk of the four parts: those of the version before, or zeros, with trimmed task vectors added."""

    def __init__(self, place: Place, span: slice) -> None:
        size = span.stop - span.start
        self.parts: dict[str, Tensor] = {}
        for part, dtype in PARTS.items():
            before = place.parts.get(part)
            raw = torch.zeros(size, dtype=dtype) if before is None else before.raw[span].clone()
            self.parts[part] = raw

    def add(self, trimmed: Tensor) -> None:
        """Add one task vector."""
        signs = trimmed.numpy()
        self.parts["positive_count"].numpy()[:] += (signs > 0).view(np.int8)
        self.parts["negative_count"].numpy()[:] += (signs < 0).view(np.int8)
        positive = trimmed.clamp(min=0.0)
        self.parts["positive_sum"].add_(positive)
        self.parts["negative_sum"].add_(trimmed.sub_(positive))

    def elected_mean(self) -> Tensor:
        """The sign of an entry's total is elected; a total of 0 elects none, and the entry stays the base's."""
        positive, negative = self.parts["positive_sum"].numpy(), self.parts["negative_sum"].numpy()
        total = positive + negative
        up = total > 0
        down = total < 0
        sums = positive * up + negative * down
        counts = self.parts["positive_count"].numpy() * up + self.parts["negative_count"].numpy() * down
        return torch.from_numpy(sums / np.maximum(counts, 1))
