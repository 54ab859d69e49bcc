"""How compiled loops read and write the elements of files: the half of `loops.py` that all of them share.

A tensor is two words of a table: address, and dtype as it stands below. Elements need not be aligned. Arrays of float64
are blocks, `scratch`, that stay in a core's nearest cache.
"""
# What is within a loop is numba's Python: types by annotation would say nothing to it, and loops are what it is for.
# mypy: ignore-errors

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_F64, _F32, _F16, _BF16 = 0, 1, 2, 3
MAGNITUDE = np.uint64((1 << 63) - 1)
u16, u32, u64 = np.uint16, np.uint32, np.uint64

jit = njit(error_model="numpy")


def _bitcast(source: types.Type, target: types.Type, machine: ir.Type) -> Any:
    """The bits of a number of one type as a number of another."""

    @intrinsic
    def cast(_, x):  # noqa: ARG001  numba looks at the names
        def generate(_context, builder, _signature, arguments):
            return builder.bitcast(arguments[0], machine)

        return target(source), generate

    return cast


bits64 = _bitcast(types.float64, types.uint64, ir.IntType(64))
from64 = _bitcast(types.uint64, types.float64, ir.DoubleType())
bits32 = _bitcast(types.float32, types.uint32, ir.IntType(32))
from32 = _bitcast(types.uint32, types.float32, ir.FloatType())


def _pointer(element: types.Type) -> Any:
    """An address as a pointer to elements."""
    pointer = types.CPointer(element)

    @intrinsic
    def point(_, address):  # noqa: ARG001
        def generate(context, builder, _signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(pointer))

        return pointer(types.uint64), generate

    return point


u8s, u16s, u32s = _pointer(types.uint8), _pointer(types.uint16), _pointer(types.uint32)
u64s, f32s, f64s = _pointer(types.uint64), _pointer(types.float32), _pointer(types.float64)


@intrinsic
def get(_, pointer, index):  # noqa: ARG001
    """Return pointer[index], wherever it lies: a file's tensors need not be aligned."""

    def generate(_context, builder, _signature, arguments):
        return builder.load(builder.gep(arguments[0], [arguments[1]], inbounds=True), align=1)

    return pointer.dtype(pointer, types.int64), generate


@intrinsic
def put(_, pointer, index, value):  # noqa: ARG001
    """Let pointer[index] = value."""

    def generate(context, builder, _signature, arguments):
        builder.store(arguments[2], builder.gep(arguments[0], [arguments[1]], inbounds=True), align=1)
        return context.get_dummy_value()

    return types.void(pointer, types.int64, pointer.dtype), generate


# Whether elements are finite: the largest magnitude, of which the bits order as integers do, is below infinity's.


@jit
def _finite16(p, count, infinity):
    largest = u16(0)
    for i in range(count):
        largest = max(largest, u16(get(p, i) & u16(0x7FFF)))
    return largest < infinity


@jit
def _finite32(p, count):
    largest = u32(0)
    for i in range(count):
        largest = max(largest, u32(get(p, i) & u32(0x7FFF_FFFF)))
    return largest < u32(0x7F80_0000)


@jit
def _finite64(p, count):
    largest = u64(0)
    for i in range(count):
        largest = max(largest, u64(get(p, i) & MAGNITUDE))
    return largest < u64(0x7FF0_0000_0000_0000)


@jit
def finite_brains(table, row, start, count):
    """Whether a bfloat16 tensor's elements from start on are finite."""
    return _finite16(u16s(get(table, 2 * row) + u64(2 * start)), count, u16(0x7F80))


@jit
def finite_pair(table, start, count):
    """The row, 0 or 1, of a bfloat16 tensor that is not finite there; -1 where both are."""
    if not finite_brains(table, 0, start, count):
        return 0
    return -1 if finite_brains(table, 1, start, count) else 1


# Reading.


@jit
def _half(bits):
    """The value of a float16."""
    size = u32(bits & u16(0x7FFF))
    # Subnormal ones are whole multiples of 2⁻²⁴; the others have 13 more bits and another bias as float32.
    small = np.float32(np.int32(size)) * np.float32(2.0**-24)
    value = small if size < u32(0x400) else from32(u32((size << u32(13)) + u32(112 << 23)))
    return np.float64(from32(u32(bits32(value) | (u32(bits & u16(0x8000)) << u32(16)))))


@jit
def from_brain(p, i):
    """The value of a bfloat16, in float64."""
    return np.float64(from32(u32(u32(get(p, i)) << u32(16))))


@jit
def read(table, row, start, count, factor, out):
    """Make out = factor * elements from start on, exactly widened; whether they are finite."""
    address, dtype = get(table, 2 * row), get(table, 2 * row + 1)
    if dtype == _BF16:
        brain = u16s(address + u64(2 * start))
        for i in range(count):
            put(out, i, from_brain(brain, i) * factor)
        return _finite16(brain, count, u16(0x7F80))
    if dtype == _F16:
        half = u16s(address + u64(2 * start))
        for i in range(count):
            put(out, i, _half(get(half, i)) * factor)
        return _finite16(half, count, u16(0x7C00))
    if dtype == _F32:
        single = f32s(address + u64(4 * start))
        for i in range(count):
            put(out, i, np.float64(get(single, i)) * factor)
        return _finite32(u32s(address + u64(4 * start)), count)
    double = f64s(address + u64(8 * start))
    for i in range(count):
        put(out, i, get(double, i) * factor)
    return _finite64(u64s(address + u64(8 * start)), count)


@jit
def read_pair(table, start, count, factor, other, out):
    """Make out = factor * one tensor + other * the next, both bfloat16; the row of one that is not finite, or -1.

    In one pass: what most merges are made of, two of most files' tensors.
    """
    one, two = u16s(get(table, 0) + u64(2 * start)), u16s(get(table, 2) + u64(2 * start))
    for i in range(count):
        put(out, i, from_brain(one, i) * factor + from_brain(two, i) * other)
    return finite_pair(table, start, count)


@jit
def add_pair(table, row, start, count, factor, other, out):
    """Add factor * one tensor, then other * the next, both bfloat16, to out; the row that is not finite, or -1."""
    one, two = u16s(get(table, 2 * row) + u64(2 * start)), u16s(get(table, 2 * row + 2) + u64(2 * start))
    for i in range(count):
        put(out, i, (get(out, i) + from_brain(one, i) * factor) + from_brain(two, i) * other)
    if not finite_brains(table, row, start, count):
        return row
    return -1 if finite_brains(table, row + 1, start, count) else row + 1


@jit
def add_pair_less(table, row, start, count, base, out):
    """Add one tensor less base, in float64, and then the next less base to out, as `add_pair` does."""
    one, two = u16s(get(table, 2 * row) + u64(2 * start)), u16s(get(table, 2 * row + 2) + u64(2 * start))
    for i in range(count):
        origin = get(base, i)
        put(out, i, (get(out, i) + (from_brain(one, i) - origin)) + (from_brain(two, i) - origin))
    if not finite_brains(table, row, start, count):
        return row
    return -1 if finite_brains(table, row + 1, start, count) else row + 1


@jit
def read_less(table, row, start, count, base, out):
    """Make out = elements from start on, less base in float64; whether they are finite."""
    if get(table, 2 * row + 1) == _BF16:
        own = u16s(get(table, 2 * row) + u64(2 * start))
        for i in range(count):
            put(out, i, from_brain(own, i) - get(base, i))
        return finite_brains(table, row, start, count)
    finite = read(table, row, start, count, 1.0, out)
    for i in range(count):
        put(out, i, get(out, i) - get(base, i))
    return finite


@jit
def sieve_pair(table, start, count, low, high, marks):
    """Mark where the magnitude of the second tensor less the first, both bfloat16, may lie from low to high.

    Returns how many are above high and unmarked. By float32's difference, twice as many at a time as by the exact one:
    rounding keeps the order, so what it says to be outside of the rounded bounds is outside of the bounds.
    """
    one, two = u16s(get(table, 0) + u64(2 * start)), u16s(get(table, 2) + u64(2 * start))
    lowest, highest = bits32(np.float32(low)), bits32(np.float32(high))
    span = u32(highest - lowest)
    over = u32(0)
    for i in range(count):
        first, second = from32(u32(u32(get(one, i)) << u32(16))), from32(u32(u32(get(two, i)) << u32(16)))
        magnitude = u32(bits32(np.float32(second - first)) & u32(0x7FFF_FFFF))
        over += u32(magnitude > highest)
        put(marks, i, np.uint8(u32(magnitude - lowest) <= span))
    return u64(over)


@jit
def less_pair(table, i):
    """The second tensor's element less the first's, both bfloat16, exactly."""
    return from_brain(u16s(get(table, 2)), i) - from_brain(u16s(get(table, 0)), i)


@jit
def brains(table, rows):
    """Whether the first so many tensors of a table are all bfloat16."""
    same = True
    for row in range(rows):
        same &= get(table, 2 * row + 1) == _BF16
    return same


# Rounding.


@jit
def _spaced(x, digits, lowest):
    """The bits of the nearest 16-bit float with so many digits after the point and this lowest exponent, ties to even.

    Normal results are rounded in the bits of float64. Below 2^lowest results are evenly spaced: added to the power of
    two whose float64 neighbours have that spacing, x is rounded by the addition itself. Too large gives infinity.
    """
    bits = bits64(x)
    size = bits & MAGNITUDE
    dropped = u64(52 - digits)
    half = (u64(1) << (dropped - u64(1))) - u64(1)
    bias = u64(1022 + lowest) << u64(digits)
    infinity = u64(0x7FFF) >> u64(digits) << u64(digits)
    spaced = from64(u64(1023 + lowest - digits + 52) << u64(52))
    least = from64(u64(1023 + lowest) << u64(52))
    normal = ((size + half + ((size >> dropped) & u64(1))) >> dropped) - bias
    value = from64(size)
    rounded = bits64(value + spaced) - bits64(spaced) if value < least else normal
    return u16(min(rounded, infinity) | ((bits >> u64(48)) & u64(0x8000)))


@jit
def _round_brain(values, count, out, narrow):
    """To bfloat16, with room for as many 32-bit numbers in narrow.

    Rounded to 24 digits first, to odd where that is not exact, and then to 8, which gives what one rounding would.
    Source: S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums", IEEE TC 57(4), 2008, theorem 3.
    """
    dropped = u64((1 << 29) - 1)
    for i in range(count):
        bits = bits64(get(values, i))
        odd = (bits | ((bits & dropped) + dropped)) & ~dropped
        put(narrow, i, bits32(np.float32(from64(odd))))
    tiny = u32(0)
    for i in range(count):
        bits = get(narrow, i)
        size = u32(bits & u32(0x7FFF_FFFF))
        tiny |= u32(u32(size - u32(1)) < u32(0x7F_FFFF))
        put(out, i, u16((bits + u32(0x7FFF) + ((bits >> u32(16)) & u32(1))) >> u32(16)))
    if tiny:  # subnormal: float32 has fewer than 24 digits there, so that its rounding was another
        for i in range(count):
            put(out, i, _spaced(get(values, i), 7, -126))


@jit
def write(values, count, address, dtype, start, scratch):
    """Round to the output's elements from start on; whether they are finite. scratch: room for as many, [count]."""
    if dtype == _BF16:
        brain = u16s(address + u64(2 * start))
        _round_brain(values, count, brain, u32s(scratch))
        return _finite16(brain, count, u16(0x7F80))
    if dtype == _F16:
        half = u16s(address + u64(2 * start))
        for i in range(count):
            put(half, i, _spaced(get(values, i), 10, -14))
        return _finite16(half, count, u16(0x7C00))
    if dtype == _F32:
        single = f32s(address + u64(4 * start))
        for i in range(count):
            put(single, i, np.float32(get(values, i)))
        return _finite32(u32s(address + u64(4 * start)), count)
    double = f64s(address + u64(8 * start))
    for i in range(count):
        put(double, i, get(values, i))
    return _finite64(u64s(address + u64(8 * start)), count)
