"""Operations of the streaming engine on arrays: each is one pass over a chunk, by a loop of `loops.py`.

`Elements` are a file's elements in float64, float32, float16 or ml_dtypes' bfloat16. All arrays of a call are flat,
contiguous, equally long, and of any length. Functions raise ValueError for arrays that are not.
"""

import math
import threading
from array import array
from collections.abc import Sequence
from typing import Any, Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from merging.kernels import BLOCK
from merging.kernels.compiled import CompiledLoop

Elements = NDArray[Any]
Float64 = NDArray[np.float64]

_DTYPE_CODES: Final = {
    np.dtype(np.float64): 0,
    np.dtype(np.float32): 1,
    np.dtype(np.float16): 2,
    np.dtype(ml_dtypes.bfloat16): 3,
}
"""Dtype of an array -> its code in a loop's arguments; see `dtype_io.py`."""

_SCRATCH_BLOCKS: Final = 8
"""Enough for every loop."""

_buffers = threading.local()

_combine = CompiledLoop("combine", "anaxxxanna")
_add_vectors = CompiledLoop("add_vectors", "anxanna")
_elect = CompiledLoop("elect", "annaxananna")
_collect = CompiledLoop("collect", "anxxaana")
_widen = CompiledLoop("widen", "axan")
_subtract = CompiledLoop("subtract", "aaana")
_round_nearest = CompiledLoop("round_nearest", "aanna")
_add_scaled = CompiledLoop("add_scaled", "aaxn")
_thin = CompiledLoop("thin", "aanxn")
_keep_largest = CompiledLoop("keep_largest", "aaaan")

LOOPS: Final = (
    _combine,
    _add_vectors,
    _elect,
    _collect,
    _widen,
    _subtract,
    _round_nearest,
    _add_scaled,
    _thin,
    _keep_largest,
)
"""All loops, for `prepare`."""


def prepare() -> None:
    """Load every loop, or compile it if numba's cache has none: about 6 s of one processor for all of them."""
    for loop in LOOPS:
        loop.prepare()


# Reading and rounding.


def widen(raw: Elements, factor: float, out: Float64) -> bool:
    """Compute out = factor * raw, exactly widened. Returns whether all elements are finite."""
    table = _table([raw], out.size)
    return bool(_widen(table.buffer_info()[0], factor, _address(out), out.size))


def subtract(raw: Elements, base: Float64, out: Float64) -> bool:
    """Compute a task vector: out = raw - base. Returns whether all elements are finite."""
    _require_equal(base, out)
    table = _table([raw], out.size)
    return bool(_subtract(table.buffer_info()[0], _address(base), _address(out), out.size, _scratch()))


def round_nearest(values: Float64, out: Elements) -> bool:
    """Round each value once, to nearest, ties to even. Returns whether all of `out` is finite."""
    address, dtype = _words(out, values.size)
    return bool(_round_nearest(_address(values), address, dtype, values.size, _scratch()))


# Arithmetic from elements of files to elements of a file. Each returns -1, or the number of the input array that has an
# element that is not finite; the result's number is one more than the last input's.


def combine(
    raws: Sequence[Elements], shares: Sequence[float], out: Elements, *, total: float = 1.0, decay: float = 1.0
) -> int:
    """Compute (Σ share * raw) / total; before the third and each later input the sum is multiplied by decay."""
    # For a power of two, the product with the reciprocal is the same number and several times faster.
    exact = math.frexp(total)[0] == 0.5
    scale, divisor = (1.0 / total, 1.0) if exact else (1.0, total)
    table, weights = _table(raws, out.size), array("d", shares)
    address, dtype = _words(out, out.size)
    if len(weights) != len(raws):
        raise ValueError("the number of shares differs from that of arrays")
    return _combine(
        *(table.buffer_info()[0], len(raws), weights.buffer_info()[0], decay, scale, divisor),
        *(address, dtype, out.size, _scratch()),
    )


def add_vectors(base: Elements, head: Elements, raws: Sequence[Elements], scaling: float, out: Elements) -> int:
    """Compute head + scaling * Σ (raw - base). The base has number 0, head number 1."""
    table = _table([base, head, *raws], out.size)
    address, dtype = _words(out, out.size)
    return _add_vectors(table.buffer_info()[0], 2 + len(raws), scaling, address, dtype, out.size, _scratch())


def add_scaled(into: Float64, values: Float64, factor: float) -> None:
    """Compute into += factor * values, in place."""
    _require_equal(into, values)
    _add_scaled(_address(into), _address(values), factor, into.size)


# DARE.


def thin(tau: Float64, key: int, first: int, drop_rate: float) -> None:
    """Drop entries and divide the rest by 1 - drop_rate; entry i uses number first + i of the key's random stream."""
    _thin(_address(tau), key, first, drop_rate, tau.size)


# TIES.


def collect(
    base: Elements | None, raw: Elements, low: float, high: float, room: Float64, selected: NDArray[np.uint64]
) -> int:
    """Append the magnitudes of raw - base from low to high to room. Returns as the arithmetic above does.

    selected: the number of values in room, and of magnitudes above high; both are updated. base: number 0; None if the
    array itself is the vector.
    """
    size = raw.size
    if int(selected[0]) + size > room.size:
        raise ValueError("the room is too small for the chunk")
    table = _table([raw if base is None else base, raw], size)
    return _collect(
        *(table.buffer_info()[0], int(base is not None), low, high),
        *(_address(room), _address(selected), size, _scratch()),
    )


def elect(
    base: Elements,
    raws: Sequence[Elements],
    limits: Float64,
    scaling: float,
    out: Elements,
    *,
    vectors: bool = False,
    sums: Float64 | None = None,
) -> int:
    """Compute base (number 0) + scaling * mean of the trimmed entries of the elected sign; a total of 0 elects none.

    raws: checkpoints, or with `vectors` task vectors. limits: the smallest magnitude that each keeps, [n]. sums:
    positive and negative sums and counts so far, [4, at least the size of out], which are updated.
    """
    size = out.size
    if limits.size != len(raws) or (sums is not None and sums.shape[1] < size):
        raise ValueError("limits or sums do not fit the arrays")
    table = _table([base, *raws], size)
    address, dtype = _words(out, size)
    return _elect(
        *(table.buffer_info()[0], 1 + len(raws), int(not vectors), _address(limits), scaling),
        *((0, 0) if sums is None else (_address(sums), sums.shape[1])),
        *(address, dtype, size, _scratch()),
    )


# MagMax.


def keep_largest(values: Float64, base: Float64, winners: Float64, largest: Float64) -> None:
    """Replace `largest` and its winner where values - base has a larger magnitude, or the same and is positive."""
    _require_equal(values, base, winners, largest)
    _keep_largest(_address(values), _address(base), _address(winners), _address(largest), values.size)


# From arrays to numbers. The caller of `_address` keeps the array alive until the loop has ended.


def _address(raw: Elements) -> int:
    if not raw.flags.c_contiguous:
        raise ValueError("an array is not contiguous")
    address: int = raw.__array_interface__["data"][0]
    return address


def _words(raw: Elements, size: int) -> tuple[int, int]:
    """Address and dtype code of an array, which must have `size` elements."""
    if raw.size != size:
        raise ValueError(f"an array has {raw.size} elements, expected {size}")
    return _address(raw), _DTYPE_CODES[raw.dtype]


def _table(raws: Sequence[Elements], size: int) -> "array[int]":
    return array("Q", [word for raw in raws for word in _words(raw, size)])


def _scratch() -> int:
    """Address of this thread's buffer for blocks."""
    address: int | None = getattr(_buffers, "address", None)
    if address is None:
        _buffers.array = np.empty(_SCRATCH_BLOCKS * BLOCK)
        address = _buffers.address = _address(_buffers.array)
    return address


def _require_equal(*arrays: Float64) -> None:
    if any(each.size != arrays[0].size for each in arrays):
        raise ValueError("arrays of different lengths")
