"""Exact top-k threshold: the k-th largest magnitude of a task vector that is streamed in chunks.

A sample brackets the value; one pass counts the magnitudes above the bracket and keeps those within. If the bracket
misses the value or holds too many magnitudes, it is moved or narrowed and the pass repeated, so the result is exact.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels

Values = NDArray[np.float64]

MAX_KEPT: Final = 1 << 22
"""Magnitudes within a bracket that are kept in memory: 32 MiB."""

_SIGMAS: Final = 4.5


class Chunk(Protocol):
    """A chunk of the values."""

    @property
    def size(self) -> int:
        """The number of values."""

    def collect(self, low: float, high: float, room: Values, selection: NDArray[np.uint64]) -> None:
        """Append the magnitudes from low to high to room. selection: [number in room, number above high], updated."""


@dataclass(frozen=True)
class Plain:
    """A chunk of values in memory."""

    values: Values

    @property
    def size(self) -> int:
        """The number of values."""
        return self.values.size

    def collect(self, low: float, high: float, room: Values, selection: NDArray[np.uint64]) -> None:
        """See Chunk."""
        kernels.collect(None, self.values, low, high, room, selection)


def kth_largest(
    chunks: Callable[[], Iterable[Chunk]], sample: Values, share: float, k: int, max_kept: int = MAX_KEPT
) -> float:
    """Return the k-th largest magnitude of all values that `chunks()` yields; each pass calls it again.

    sample: some of the magnitudes; the more representative, the fewer passes. share: k divided by the number of values.
    k: from 1 to the number of values. Values are finite and have any sign.
    """
    lowest, highest = 0.0, math.inf  # certain bounds of the value; low and high are estimates
    low, high = _bracket(sample, share, lowest, highest)
    while True:
        selection = _pass(chunks(), low, high, max_kept)
        rank = k - selection.above
        if rank <= 0:
            lowest = low = float(np.nextafter(high, math.inf))
            high = highest
        elif rank > selection.within:
            highest = high = float(np.nextafter(low, 0.0))
            low = lowest
        elif low == high:
            return low
        elif selection.kept.size == selection.within:
            return float(np.partition(selection.kept, selection.within - rank)[selection.within - rank])
        else:
            # Only a part was kept: use it as the next sample, with the remaining rank.
            lowest, highest = low, high
            low, high = _bracket(selection.kept, rank / selection.within, lowest, highest)
            if (low, high) == (lowest, highest):
                low = high = float(np.sort(selection.kept)[selection.kept.size // 2])


def _bracket(sample: Values, share: float, low: float, high: float) -> tuple[float, float]:
    """Estimate bounds of the value from a sample: _SIGMAS standard deviations of its rank to either side."""
    if not sample.size:
        return low, high
    ordered = np.sort(sample)
    middle = (1.0 - share) * sample.size
    margin = _SIGMAS * math.sqrt(sample.size * share * (1.0 - share)) + 1.0
    first, last = math.floor(middle - margin), math.ceil(middle + margin)
    return (
        float(ordered[first]) if first >= 0 else low,
        float(ordered[last]) if last < sample.size else high,
    )


@dataclass
class _Selection:
    """Result of a pass: the numbers of magnitudes above and within the bracket, and a sample of those within."""

    above: int
    within: int
    kept: Values


def _pass(chunks: Iterable[Chunk], low: float, high: float, max_kept: int) -> _Selection:
    selection = _Selection(0, 0, np.zeros(0))
    held, stride = 0, 1
    for chunk in chunks:
        if selection.kept.size < held + chunk.size:
            selection.kept = np.concatenate([selection.kept[:held], np.empty(held + 2 * chunk.size)])
        counts = np.array([held, selection.above], np.uint64)
        chunk.collect(low, high, selection.kept, counts)
        count, selection.above = map(int, counts)
        selection.within += count - held
        kept = selection.kept[held:count:stride]
        selection.kept[held : held + kept.size] = kept
        held += kept.size
        while held > max_kept:
            # Keep every second magnitude of those held, and of those to come.
            stride *= 2
            kept = selection.kept[:held:2].copy()
            held = kept.size
            selection.kept[:held] = kept
    selection.kept = selection.kept[:held]
    return selection
