"""The k-th largest magnitude of a task vector that never is in memory as a whole, exactly.

A sample brackets the value; one pass counts what lies above the bracket and keeps what lies within. Should the sample
mislead, or the bracket hold too much, it is moved or narrowed and the pass repeated: the answer never depends on it.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels

Values = NDArray[np.float64]

MOST_KEPT: Final = 1 << 22
"""Values of a bracket that are kept in memory: 32 MiB."""

_SIGMAS: Final = 4.5


class Chunk(Protocol):
    """Some of the values."""

    @property
    def size(self) -> int:
        """How many."""

    def collect(self, low: float, high: float, room: Values, selection: NDArray[np.uint64]) -> None:
        """Append the magnitudes from low to high to room. selection: how many stand there; how many were above high."""


@dataclass(frozen=True)
class Plain:
    """Values that are in memory."""

    values: Values

    @property
    def size(self) -> int:
        """How many."""
        return self.values.size

    def collect(self, low: float, high: float, room: Values, selection: NDArray[np.uint64]) -> None:
        """As any chunk."""
        kernels.collect(None, self.values, low, high, room, selection)


def kth_largest(
    chunks: Callable[[], Iterable[Chunk]], sample: Values, share: float, k: int, most_kept: int = MOST_KEPT
) -> float:
    """The k-th largest magnitude of all values that `chunks()` yields; it is called anew for each pass.

    sample: some of the magnitudes; the more typical they are, the fewer passes. share: k by the number of values.
    k: from 1 to their number. Values are finite and of either sign.
    """
    lowest, highest = 0.0, math.inf  # the answer lies between these for certain, between low and high by judgement
    low, high = _bracket(sample, share, lowest, highest)
    while True:
        selection = _pass(chunks(), low, high, most_kept)
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
            # Only a part was kept: it is the next sample, for the rank that is left.
            lowest, highest = low, high
            low, high = _bracket(selection.kept, rank / selection.within, lowest, highest)
            if (low, high) == (lowest, highest):
                low = high = float(np.sort(selection.kept)[selection.kept.size // 2])


def _bracket(sample: Values, share: float, low: float, high: float) -> tuple[float, float]:
    """Where the value of this rank lies, judged by a sample: some standard deviations of the rank to either side."""
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
    """What a pass has seen: how many magnitudes above the bracket and within it, and (some of) those within."""

    above: int
    within: int
    kept: Values


def _pass(chunks: Iterable[Chunk], low: float, high: float, most_kept: int) -> _Selection:
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
        while held > most_kept:
            # Thin out what is held, and what comes, evenly.
            stride *= 2
            kept = selection.kept[:held:2].copy()
            held = kept.size
            selection.kept[:held] = kept
    selection.kept = selection.kept[:held]
    return selection
