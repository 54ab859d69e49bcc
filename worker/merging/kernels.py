"""The inner loops of the streaming engine, compiled: each is one pass over a chunk that stays in a core's cache.

Raw arrays hold a file's elements: float64, float32, uint16 for the bits of bfloat16, int16 for those of float16 (numpy
has no bfloat16, numba no float16). All arrays of a call are flat, contiguous and equally long. What returns a bool
says whether all that was read, or all that was rounded, is finite.

All that is compiled stands in this one file: machine code on disk is made anew when the file of its kernel changes,
not when another file does from which it takes a function.
"""
# What is within a kernel is numba's Python: types by annotation would say nothing to it, and loops are what it is for.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
# mypy: disable-error-code="misc, no-any-return, assignment, return-value"

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from worker.merging.compiled import Compiled

Raw = NDArray[Any]
Float64 = NDArray[np.float64]

_U16, _U32, _U64, _I16 = np.uint16, np.uint32, np.uint64, np.int16
_MAGNITUDE = _U64(0x7FFF_FFFF_FFFF_FFFF)


def _bitcast(source: types.Type, target: types.Type, machine: ir.Type) -> Any:
    """The bits of a number of one type as a number of another."""

    @intrinsic
    def cast(_, x):  # noqa: ARG001  numba looks at the names
        def generate(_context, builder, _signature, arguments):
            return builder.bitcast(arguments[0], machine)

        return target(source), generate

    return cast


_bits64 = _bitcast(types.float64, types.uint64, ir.IntType(64))
_from64 = _bitcast(types.uint64, types.float64, ir.DoubleType())
_bits32 = _bitcast(types.float32, types.uint32, ir.IntType(32))
_from32 = _bitcast(types.uint32, types.float32, ir.FloatType())


def _widened(x): ...


def _size(x): ...


def _infinity(x): ...


def _nearest(x, like): ...


@overload(_widened)
def _widened_of(x):
    """A raw element as float64, exactly."""
    if x == types.uint16:
        return lambda x: np.float64(_from32(_U32(x) << _U32(16)))
    if x == types.int16:

        def from_half(x):
            bits = _U32(_U16(x))
            size = bits & _U32(0x7FFF)
            # Subnormal ones are whole multiples of 2⁻²⁴; the others have 13 more bits and another bias as float32.
            small = np.float32(np.int32(size)) * np.float32(2.0**-24)
            value = small if size < _U32(0x400) else _from32(_U32((size << _U32(13)) + _U32(112 << 23)))
            return np.float64(_from32(_U32(_bits32(value) | ((bits & _U32(0x8000)) << _U32(16)))))

        return from_half
    return lambda x: np.float64(x)  # noqa: PLW0108


@overload(_size)
def _size_of(x):
    """The bits of a raw element without its sign: as integers they order magnitudes."""
    if x == types.uint16:
        return lambda x: _U16(x & _U16(0x7FFF))
    if x == types.int16:
        return lambda x: _U16(_U16(x) & _U16(0x7FFF))
    if x == types.float32:
        return lambda x: _U32(_bits32(x) & _U32(0x7FFF_FFFF))
    return lambda x: _U64(_bits64(x) & _MAGNITUDE)


@overload(_infinity)
def _infinity_of(x):
    """`_size` of infinity; NaNs lie above."""
    if x == types.uint16:
        return lambda x: _U16(0x7F80)  # noqa: ARG005
    if x == types.int16:
        return lambda x: _U16(0x7C00)  # noqa: ARG005
    if x == types.float32:
        return lambda x: _U32(0x7F80_0000)  # noqa: ARG005
    return lambda x: _U64(0x7FF0_0000_0000_0000)  # noqa: ARG005


@overload(_nearest)
def _nearest_of(x, like):  # noqa: ARG001
    """The nearest value of like's type, ties to even; infinity where that is too large."""
    if like == types.uint16:
        return _rounding16(np.uint16, digits=7, lowest=-126)
    if like == types.int16:
        return _rounding16(np.int16, digits=10, lowest=-14)
    if like == types.float32:
        return lambda x, like: np.float32(x)  # noqa: ARG005
    return lambda x, like: x  # noqa: ARG005


def _rounding16(carrier, digits, lowest):
    """Rounds to the bits of the 16-bit float with this many digits after the point and this lowest exponent.

    Normal results are rounded in the bits of float64. Below 2^lowest results are evenly spaced: added to the power of
    two whose float64 neighbours have that spacing, x is rounded by the addition itself.
    """
    dropped = _U64(52 - digits)
    half = _U64((1 << (51 - digits)) - 1)
    bias = _U64((1022 + lowest) << digits)
    infinity = _U64(0x7FFF >> digits << digits)
    least = 2.0**lowest
    spaced = 2.0 ** (lowest - digits + 52)
    spaced_bits = np.float64(spaced).view(np.uint64)

    def impl(x, like):  # noqa: ARG001
        bits = _bits64(x)
        size = bits & _MAGNITUDE
        value = _from64(size)
        normal = ((size + half + ((size >> dropped) & _U64(1))) >> dropped) - bias
        rounded = _bits64(value + spaced) - spaced_bits if value < least else normal
        return carrier(_U16(min(rounded, infinity) | ((bits >> _U64(48)) & _U64(0x8000))))

    return impl


# Reading and rounding.


@Compiled
def widen(raw: Raw, factor: float, out: Float64) -> bool:
    """What a file has, times a factor: out = factor * raw."""
    largest = _size(raw[0])
    for i in range(raw.size):
        largest = max(largest, _size(raw[i]))
        out[i] = _widened(raw[i]) * factor
    return largest < _infinity(raw[0])


@Compiled
def subtract(raw: Raw, base: Float64, out: Float64) -> bool:
    """A task vector: out = raw - base."""
    largest = _size(raw[0])
    for i in range(raw.size):
        largest = max(largest, _size(raw[i]))
        out[i] = _widened(raw[i]) - base[i]
    return largest < _infinity(raw[0])


@Compiled
def accumulate(raw: Raw, factor: float, into: Float64) -> bool:
    """A share of a sum: into += factor * raw."""
    largest = _size(raw[0])
    for i in range(raw.size):
        largest = max(largest, _size(raw[i]))
        into[i] += _widened(raw[i]) * factor
    return largest < _infinity(raw[0])


@Compiled
def accumulate_difference(raw: Raw, base: Float64, into: Float64) -> bool:
    """A task vector of a sum: into += raw - base."""
    largest = _size(raw[0])
    for i in range(raw.size):
        largest = max(largest, _size(raw[i]))
        into[i] += _widened(raw[i]) - base[i]
    return largest < _infinity(raw[0])


@Compiled
def round_nearest(values: Float64, out: Raw) -> bool:
    """What a file gets: out = values, each rounded once, to nearest, ties to even."""
    largest = _size(_nearest(values[0], out[0]))
    for i in range(values.size):
        value = _nearest(values[i], out[i])
        largest = max(largest, _size(value))
        out[i] = value
    return largest < _infinity(out[0])


# Arithmetic.


@Compiled
def scale(values: Float64, factor: float) -> None:
    """In place: values *= factor."""
    for i in range(values.size):
        values[i] *= factor


@Compiled
def divide(values: Float64, divisor: float) -> None:
    """In place: values /= divisor."""
    for i in range(values.size):
        values[i] /= divisor


@Compiled
def add_scaled(into: Float64, values: Float64, factor: float) -> None:
    """In place: into += factor * values."""
    for i in range(into.size):
        into[i] += values[i] * factor


# DARE.


@Compiled
def thin(tau: Float64, key: np.uint64, start: int, drop_rate: float) -> None:
    """Drop entries and divide the rest by 1 - drop_rate; entry i has the (start + i)-th number of the key's stream.

    The stream is splitmix64's, as numbers in [0, 1); below drop_rate an entry is dropped.
    Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    rest = 1.0 - drop_rate
    for i in range(tau.size):
        z = _U64(key) + _U64(0x9E37_79B9_7F4A_7C15) * (_U64(start) + _U64(i) + _U64(1))
        z = (z ^ (z >> _U64(30))) * _U64(0xBF58_476D_1CE4_E5B9)
        z = (z ^ (z >> _U64(27))) * _U64(0x94D0_49BB_1331_11EB)
        z ^= z >> _U64(31)
        uniform = np.float64(z >> _U64(11)) * 2.0**-53
        tau[i] = tau[i] / rest if uniform >= drop_rate else 0.0


# TIES.


@Compiled
def collect(
    values: Float64, low: float, high: float, marks: NDArray[np.uint8], room: Float64, kept: int
) -> tuple[int, int]:
    """Append the magnitudes from low to high to the `kept` ones in room; (kept, how many lie above high).

    marks: zeros, at least as many as values, a multiple of eight; they are zeros again afterwards.
    """
    lowest, highest = _bits64(low), _bits64(high)
    span = highest - lowest
    above = _U64(0)
    for i in range(values.size):
        size = _bits64(values[i]) & _MAGNITUDE
        marks[i] = np.uint8((size - lowest) <= span)
        above += _U64(size > highest)
    # Few are within: eight marks that are zero are passed at once.
    words = marks.view(np.uint64)
    for word in range(words.size):
        if words[word]:
            words[word] = 0
            for i in range(8 * word, min(8 * word + 8, values.size)):
                size = _bits64(values[i]) & _MAGNITUDE
                room[kept] = _from64(size)
                kept += np.int64((size - lowest) <= span)
    return kept, np.int64(above)


_BLOCK = 512
"""Elements whose sums and counts stay in the nearest cache while the vectors of all checkpoints are added."""


@Compiled
def add_elected_mean(
    taus: Float64,
    limits: Float64,
    into: Float64,
    scaling: float,
    keep: bool,
    positive: Float64,
    negative: Float64,
    ups: Float64,
    downs: Float64,
) -> None:
    """Add to into, `scaling` times, the mean of the trimmed entries of the elected sign; a total of 0 elects none.

    taus: task vectors, [n, at least as many as into]; limits: [n], the smallest magnitude that each keeps.
    keep: whether the sums and counts by sign go on from, and stay in, positive, negative, ups and downs. Else what
    stands there is lost, and a block of each is enough.
    """
    for start in range(0, into.size, _BLOCK):
        count = min(_BLOCK, into.size - start)
        first = start if keep else 0
        p, n, u, d = (
            positive[first : first + count],
            negative[first : first + count],
            ups[first : first + count],
            downs[first : first + count],
        )
        if not keep:
            for i in range(count):
                p[i] = n[i] = u[i] = d[i] = 0.0
        for model in range(limits.size):
            tau, limit = taus[model][start : start + count], limits[model]
            for i in range(count):
                entry = tau[i]
                up = (entry >= limit) & (entry > 0.0)
                down = (entry <= -limit) & (entry < 0.0)
                p[i] += entry if up else 0.0
                n[i] += entry if down else 0.0
                u[i] += 1.0 if up else 0.0
                d[i] += 1.0 if down else 0.0
        out = into[start : start + count]
        for i in range(count):
            total = p[i] + n[i]
            elected = p[i] if total > 0.0 else (n[i] if total < 0.0 else 0.0)
            agreeing = u[i] if total > 0.0 else d[i]
            out[i] += elected / max(agreeing, 1.0) * scaling


# MagMax.


@Compiled
def keep_largest(values: Float64, base: Float64, winners: Float64, largest: Float64) -> None:
    """Where values - base has a larger magnitude than `largest`, or is positive of the same, it takes its place."""
    for i in range(values.size):
        tau = values[i] - base[i]
        better = (abs(tau) > abs(largest[i])) | ((abs(tau) == abs(largest[i])) & (tau > largest[i]))
        winners[i] = values[i] if better else winners[i]
        largest[i] = tau if better else largest[i]
