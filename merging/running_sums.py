"""Parts of a method's state that add up over checkpoints, one chunk at a time."""

from typing import Final

import numpy as np

from merging.streaming import CHUNK, Float64, TensorSlot

SUM: Final = "sum"
"""The part S = Σ τ. float64, so that sums of float32 and shorter task vectors round rarely, in any order."""


class RunningSum:
    """A part in float64: the values of the version before, or zeros, to which this merge adds."""

    def __init__(self, slot: TensorSlot, part: str) -> None:
        self._before = slot.parts.get(part)
        self._room = np.empty(min(CHUNK, slot.size))

    def start(self, span: slice) -> Float64:
        """The values of this chunk so far, to be changed in place. Raises NotFinite."""
        values = self._room[: span.stop - span.start]
        if self._before is None:
            values.fill(0.0)
        else:
            values[:] = self._before.read(span)
        return values


class RunningCount:
    """A part of small counts by entry, stored as int16."""

    def __init__(self, slot: TensorSlot, part: str) -> None:
        self._before = slot.parts.get(part)
        self._room = np.empty(min(CHUNK, slot.size), np.int16)

    def start(self, span: slice) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
        """The counts of this chunk so far, to be changed in place."""
        counts = self._room[: span.stop - span.start]
        if self._before is None:
            counts.fill(0)
        else:
            counts[:] = self._before.elements(span)
        return counts
