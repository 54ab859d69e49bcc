"""What the streaming engine does with arrays: each is one pass over a chunk, by a loop of `loops.py`.

Raw arrays hold a file's elements: float64, float32, uint16 for the bits of bfloat16, int16 for those of float16 (numpy
has no bfloat16). All arrays of a call are flat, without gaps, equally long, and of any length.
"""

import math
import threading
from array import array
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.kernels.compiled import BLOCK, CompiledLoop

Raw = NDArray[Any]
Float64 = NDArray[np.float64]

_DTYPES: Final = {np.dtype(np.float64): 0, np.dtype(np.float32): 1, np.dtype(np.int16): 2, np.dtype(np.uint16): 3}
"""How a loop is told what a raw array holds."""

_SCRATCH_BLOCKS: Final = 8
"""More than any loop takes."""

_rooms = threading.local()

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
    """Load every loop, or compile it if numba's cache has none: about 15 s of one processor for all of them."""
    for loop in LOOPS:
        loop.prepare()


# Reading and rounding.


def widen(raw: Raw, factor: float, out: Float64) -> bool:
    """What a file has, times a factor: out = factor * raw. Whether all of them are finite."""
    table = _table([raw], out.size)
    return bool(_widen(table.buffer_info()[0], factor, _address(out), out.size))


def subtract(raw: Raw, base: Float64, out: Float64) -> bool:
    """A task vector: out = raw - base. Whether all elements are finite."""
    _require_equal(base, out)
    table = _table([raw], out.size)
    return bool(_subtract(table.buffer_info()[0], _address(base), _address(out), out.size, _scratch()))


def round_nearest(values: Float64, out: Raw) -> bool:
    """What a file gets: out = values, each rounded once, to nearest, ties to even. Whether all of it is finite."""
    address, dtype = _words(out, values.size)
    return bool(_round_nearest(_address(values), address, dtype, values.size, _scratch()))


# Arithmetic from the elements of files to those of a file. Each returns -1, or the number of the raw array that has an
# element that is not finite; the result's number follows that of the last.


def combine(raws: Sequence[Raw], shares: Sequence[float], out: Raw, *, total: float = 1.0, decay: float = 1.0) -> int:
    """(Σ share * raw) / total; before the third one, and each one after it, the sum shrinks by decay."""
    # By a power of two a product is the same number and several times faster.
    exact = math.frexp(total)[0] == 0.5
    scale, divisor = (1.0 / total, 1.0) if exact else (1.0, total)
    table, weights = _table(raws, out.size), array("d", shares)
    address, dtype = _words(out, out.size)
    if len(weights) != len(raws):
        raise ValueError("every array has a share")
    return _combine(
        *(table.buffer_info()[0], len(raws), weights.buffer_info()[0], decay, scale, divisor),
        *(address, dtype, out.size, _scratch()),
    )


def add_vectors(base: Raw, head: Raw, raws: Sequence[Raw], scaling: float, out: Raw) -> int:
    """Task arithmetic: head + scaling * Σ (raw - base). The base has number 0, head 1."""
    table = _table([base, head, *raws], out.size)
    address, dtype = _words(out, out.size)
    return _add_vectors(table.buffer_info()[0], 2 + len(raws), scaling, address, dtype, out.size, _scratch())


def add_scaled(into: Float64, values: Float64, factor: float) -> None:
    """In place: into += factor * values."""
    _require_equal(into, values)
    _add_scaled(_address(into), _address(values), factor, into.size)


# DARE.


def thin(tau: Float64, key: int, first: int, drop_rate: float) -> None:
    """Drop entries and divide the rest by 1 - drop_rate; entry i has the (first + i)-th number of the key's stream."""
    _thin(_address(tau), key, first, drop_rate, tau.size)


# TIES.


def collect(base: Raw | None, raw: Raw, low: float, high: float, room: Float64, found: NDArray[np.uint64]) -> int:
    """Append the magnitudes of raw - base from low to high to room. Returns as the arithmetic above does.

    found: how many stand in room, and how many magnitudes lay above high; both are updated. base: number 0; None where
    the array itself is the vector.
    """
    size = raw.size
    if int(found[0]) + size > room.size:
        raise ValueError("there is no room for all of it")
    table = _table([raw if base is None else base, raw], size)
    return _collect(
        *(table.buffer_info()[0], int(base is not None), low, high),
        *(_address(room), _address(found), size, _scratch()),
    )


def elect(
    base: Raw,
    raws: Sequence[Raw],
    limits: Float64,
    scaling: float,
    out: Raw,
    *,
    vectors: bool = False,
    sums: Float64 | None = None,
) -> int:
    """The base (number 0) + scaling * the mean of the trimmed entries of the elected sign; a total of 0 elects none.

    raws: of checkpoints, or with `vectors` of task vectors. limits: the smallest magnitude that each keeps, [n].
    sums: positive and negative sums and counts so far, [4, at least as many as out], to which these are added.
    """
    size = out.size
    if limits.size != len(raws) or (sums is not None and sums.shape[1] < size):
        raise ValueError("every array has a limit, and every element its sums")
    table = _table([base, *raws], size)
    address, dtype = _words(out, size)
    return _elect(
        *(table.buffer_info()[0], 1 + len(raws), int(not vectors), _address(limits), scaling),
        *((0, 0) if sums is None else (_address(sums), sums.shape[1])),
        *(address, dtype, size, _scratch()),
    )


# MagMax.


def keep_largest(values: Float64, base: Float64, winners: Float64, largest: Float64) -> None:
    """Where values - base has a larger magnitude than `largest`, or is positive of the same, it takes its place."""
    _require_equal(values, base, winners, largest)
    _keep_largest(_address(values), _address(base), _address(winners), _address(largest), values.size)


# From arrays to numbers. Whoever asks for an address keeps the array until the loop has ended.


def _address(raw: Raw) -> int:
    if not raw.flags.c_contiguous:
        raise ValueError("an array with gaps")
    address: int = raw.__array_interface__["data"][0]
    return address


def _words(raw: Raw, size: int) -> tuple[int, int]:
    """Address and dtype of a raw array, which must have so many elements."""
    if raw.size != size:
        raise ValueError(f"{raw.size} elements where {size} belong")
    return _address(raw), _DTYPES[raw.dtype]


def _table(raws: Sequence[Raw], size: int) -> "array[int]":
    return array("Q", [word for raw in raws for word in _words(raw, size)])


def _scratch() -> int:
    """The address of this thread's room for blocks."""
    address: int | None = getattr(_rooms, "address", None)
    if address is None:
        _rooms.room = np.empty(_SCRATCH_BLOCKS * BLOCK)
        address = _rooms.address = _address(_rooms.room)
    return address


def _require_equal(*arrays: Float64) -> None:
    if any(each.size != arrays[0].size for each in arrays):
        raise ValueError("arrays of different lengths")
