"""Element input and output for the compiled loops of `loops.py`: dtype conversion, rounding and finiteness checks.

A tensor is two words of a table: its address, and its dtype as one of the constants below. Elements may be unaligned.
Float64 arrays named `scratch` are blocks small enough for the first-level cache.
"""
# numba compiles these functions and infers their types, so annotations would have no effect.
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
    """Reinterpret the bits of a number as another type."""

    @intrinsic
    def cast(_, x):  # noqa: ARG001  numba requires the parameter
        def generate(_context, builder, _signature, arguments):
            return builder.bitcast(arguments[0], machine)

        return target(source), generate

    return cast


bits64 = _bitcast(types.float64, types.uint64, ir.IntType(64))
from64 = _bitcast(types.uint64, types.float64, ir.DoubleType())
bits32 = _bitcast(types.float32, types.uint32, ir.IntType(32))
from32 = _bitcast(types.uint32, types.float32, ir.FloatType())


def _pointer(element: types.Type) -> Any:
    """Convert an address to a pointer to elements."""
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
    """Load pointer[index], which may be unaligned in a file."""

    def generate(_context, builder, _signature, arguments):
        return builder.load(builder.gep(arguments[0], [arguments[1]], inbounds=True), align=1)

    return pointer.dtype(pointer, types.int64), generate


@intrinsic
def put(_, pointer, index, value):  # noqa: ARG001
    """Store value at pointer[index], which may be unaligned."""

    def generate(context, builder, _signature, arguments):
        builder.store(arguments[2], builder.gep(arguments[0], [arguments[1]], inbounds=True), align=1)
        return context.get_dummy_value()

    return types.void(pointer, types.int64, pointer.dtype), generate


# Finiteness checks. The bits of magnitudes order like integers, so the largest must be below those of infinity.


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
def finite_bfloat16(table, row, start, count):
    """Whether `count` elements of a bfloat16 tensor, from `start` on, are finite."""
    return _finite16(u16s(get(table, 2 * row) + u64(2 * start)), count, u16(0x7F80))


@jit
def finite_pair(table, start, count):
    """The row, 0 or 1, of a bfloat16 tensor with an element that is not finite, or -1."""
    if not finite_bfloat16(table, 0, start, count):
        return 0
    return -1 if finite_bfloat16(table, 1, start, count) else 1


# Reading.


@jit
def _float16_value(bits):
    """The value of a float16."""
    size = u32(bits & u16(0x7FFF))
    # Subnormal values are multiples of 2⁻²⁴; in float32 the others have 13 more bits and another exponent bias.
    small = np.float32(np.int32(size)) * np.float32(2.0**-24)
    value = small if size < u32(0x400) else from32(u32((size << u32(13)) + u32(112 << 23)))
    return np.float64(from32(u32(bits32(value) | (u32(bits & u16(0x8000)) << u32(16)))))


@jit
def bfloat16_value(p, i):
    """The value of a bfloat16 as float64."""
    return np.float64(from32(u32(u32(get(p, i)) << u32(16))))


@jit
def read(table, row, start, count, factor, out):
    """Compute out = factor * elements from `start` on, widened exactly. Returns whether they are finite."""
    address, dtype = get(table, 2 * row), get(table, 2 * row + 1)
    if dtype == _BF16:
        bfloat16s = u16s(address + u64(2 * start))
        for i in range(count):
            put(out, i, bfloat16_value(bfloat16s, i) * factor)
        return _finite16(bfloat16s, count, u16(0x7F80))
    if dtype == _F16:
        float16s = u16s(address + u64(2 * start))
        for i in range(count):
            put(out, i, _float16_value(get(float16s, i)) * factor)
        return _finite16(float16s, count, u16(0x7C00))
    if dtype == _F32:
        float32s = f32s(address + u64(4 * start))
        for i in range(count):
            put(out, i, np.float64(get(float32s, i)) * factor)
        return _finite32(u32s(address + u64(4 * start)), count)
    float64s = f64s(address + u64(8 * start))
    for i in range(count):
        put(out, i, get(float64s, i) * factor)
    return _finite64(u64s(address + u64(8 * start)), count)


@jit
def read_pair(table, start, count, factor, other, out):
    """Compute out = factor * first tensor + other * second tensor, both bfloat16; the row that is not finite, or -1.

    One pass over both, since most merges combine two bfloat16 tensors.
    """
    one, two = u16s(get(table, 0) + u64(2 * start)), u16s(get(table, 2) + u64(2 * start))
    for i in range(count):
        put(out, i, bfloat16_value(one, i) * factor + bfloat16_value(two, i) * other)
    return finite_pair(table, start, count)


@jit
def add_pair(table, row, start, count, factor, other, out):
    """Add factor * one tensor and other * the next, both bfloat16, to out; the row that is not finite, or -1."""
    one, two = u16s(get(table, 2 * row) + u64(2 * start)), u16s(get(table, 2 * row + 2) + u64(2 * start))
    for i in range(count):
        put(out, i, (get(out, i) + bfloat16_value(one, i) * factor) + bfloat16_value(two, i) * other)
    if not finite_bfloat16(table, row, start, count):
        return row
    return -1 if finite_bfloat16(table, row + 1, start, count) else row + 1


@jit
def add_pair_minus_base(table, row, start, count, base, out):
    """Add (tensor - base) of two successive bfloat16 tensors to out; returns what `add_pair` does. base: float64."""
    one, two = u16s(get(table, 2 * row) + u64(2 * start)), u16s(get(table, 2 * row + 2) + u64(2 * start))
    for i in range(count):
        origin = get(base, i)
        put(out, i, (get(out, i) + (bfloat16_value(one, i) - origin)) + (bfloat16_value(two, i) - origin))
    if not finite_bfloat16(table, row, start, count):
        return row
    return -1 if finite_bfloat16(table, row + 1, start, count) else row + 1


@jit
def read_minus_base(table, row, start, count, base, out):
    """Compute out = elements from `start` on - base, base in float64. Returns whether they are finite."""
    if get(table, 2 * row + 1) == _BF16:
        own = u16s(get(table, 2 * row) + u64(2 * start))
        for i in range(count):
            put(out, i, bfloat16_value(own, i) - get(base, i))
        return finite_bfloat16(table, row, start, count)
    finite = read(table, row, start, count, 1.0, out)
    for i in range(count):
        put(out, i, get(out, i) - get(base, i))
    return finite


@jit
def mark_pair(table, start, count, low, high, marks):
    """Mark the elements where |second - first|, both tensors bfloat16, may lie between low and high.

    Returns the number of elements above high. Differences are in float32, which vectorizes twice as wide as float64.
    Rounding is monotonic, so a difference outside the rounded bounds is outside the exact bounds.
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
def difference_pair(table, i):
    """The exact difference second - first of two bfloat16 tensors at element i."""
    return bfloat16_value(u16s(get(table, 2)), i) - bfloat16_value(u16s(get(table, 0)), i)


@jit
def all_bfloat16(table, rows):
    """Whether the first `rows` tensors of a table are bfloat16."""
    same = True
    for row in range(rows):
        same &= get(table, 2 * row + 1) == _BF16
    return same


# Rounding.


@jit
def _round_to_16_bits(x, digits, lowest):
    """The bits of the nearest 16-bit float with this number of mantissa bits and lowest exponent, ties to even.

    Normal results are rounded in the bits of float64. Below 2^lowest results are evenly spaced: adding x to the power
    of two whose float64 neighbours have that spacing rounds it. Overflow gives infinity.
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
def _round_bfloat16(values, count, out, narrow):
    """Round float64 values to bfloat16. narrow: scratch space for `count` 32-bit numbers.

    Rounds to 24 bits first, to odd if inexact, and then to 8, which equals a single rounding.
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
    if tiny:  # subnormal: float32 has fewer than 24 bits there, so the first rounding was coarser
        for i in range(count):
            put(out, i, _round_to_16_bits(get(values, i), 7, -126))


@jit
def write(values, count, address, dtype, start, scratch):
    """Round values into the output from `start` on. Returns whether they are finite. scratch: float64 [count]."""
    if dtype == _BF16:
        bfloat16s = u16s(address + u64(2 * start))
        _round_bfloat16(values, count, bfloat16s, u32s(scratch))
        return _finite16(bfloat16s, count, u16(0x7F80))
    if dtype == _F16:
        float16s = u16s(address + u64(2 * start))
        for i in range(count):
            put(float16s, i, _round_to_16_bits(get(values, i), 10, -14))
        return _finite16(float16s, count, u16(0x7C00))
    if dtype == _F32:
        float32s = f32s(address + u64(4 * start))
        for i in range(count):
            put(float32s, i, np.float32(get(values, i)))
        return _finite32(u32s(address + u64(4 * start)), count)
    float64s = f64s(address + u64(8 * start))
    for i in range(count):
        put(float64s, i, get(values, i))
    return _finite64(u64s(address + u64(8 * start)), count)
