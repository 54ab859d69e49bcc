"""The inner loops of the streaming engine: Python that numba compiles when `compiled` asks; `kernels` calls them.

A loop takes numbers and addresses of arrays without gaps. A tensor is two words of a table: address, and dtype as it
stands below. Tensors are float64 only a block at a time, `scratch`, which stays in a core's nearest cache.

All that is compiled stands in this one file: machine code on disk is made anew when it changes.
"""
# What is within a loop is numba's Python: types by annotation would say nothing to it, and loops are what it is for.
# mypy: ignore-errors

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from worker.merging.compiled import BLOCK

_F64, _F32, _F16, _BF16 = 0, 1, 2, 3
_MAGNITUDE = np.uint64((1 << 63) - 1)
_u16, _u32, _u64 = np.uint16, np.uint32, np.uint64

_jit = njit(error_model="numpy")


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


def _pointer(element: types.Type) -> Any:
    """An address as a pointer to elements."""
    pointer = types.CPointer(element)

    @intrinsic
    def point(_, address):  # noqa: ARG001
        def generate(context, builder, _signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(pointer))

        return pointer(types.uint64), generate

    return point


_u8s, _u16s, _u32s = _pointer(types.uint8), _pointer(types.uint16), _pointer(types.uint32)
_u64s, _f32s, _f64s = _pointer(types.uint64), _pointer(types.float32), _pointer(types.float64)


@intrinsic
def _get(_, pointer, index):  # noqa: ARG001
    """Return pointer[index], wherever it lies: a file's tensors need not be aligned."""

    def generate(_context, builder, _signature, arguments):
        return builder.load(builder.gep(arguments[0], [arguments[1]], inbounds=True), align=1)

    return pointer.dtype(pointer, types.int64), generate


@intrinsic
def _put(_, pointer, index, value):  # noqa: ARG001
    """Let pointer[index] = value."""

    def generate(context, builder, _signature, arguments):
        builder.store(arguments[2], builder.gep(arguments[0], [arguments[1]], inbounds=True), align=1)
        return context.get_dummy_value()

    return types.void(pointer, types.int64, pointer.dtype), generate


# Whether elements are finite: the largest magnitude, of which the bits order as integers do, is below infinity's.


@_jit
def _finite16(p, count, infinity):
    largest = _u16(0)
    for i in range(count):
        largest = max(largest, _u16(_get(p, i) & _u16(0x7FFF)))
    return largest < infinity


@_jit
def _finite32(p, count):
    largest = _u32(0)
    for i in range(count):
        largest = max(largest, _u32(_get(p, i) & _u32(0x7FFF_FFFF)))
    return largest < _u32(0x7F80_0000)


@_jit
def _finite64(p, count):
    largest = _u64(0)
    for i in range(count):
        largest = max(largest, _u64(_get(p, i) & _MAGNITUDE))
    return largest < _u64(0x7FF0_0000_0000_0000)


# Reading.


@_jit
def _half(bits):
    """The value of a float16."""
    size = _u32(bits & _u16(0x7FFF))
    # Subnormal ones are whole multiples of 2⁻²⁴; the others have 13 more bits and another bias as float32.
    small = np.float32(np.int32(size)) * np.float32(2.0**-24)
    value = small if size < _u32(0x400) else _from32(_u32((size << _u32(13)) + _u32(112 << 23)))
    return np.float64(_from32(_u32(_bits32(value) | (_u32(bits & _u16(0x8000)) << _u32(16)))))


@_jit
def _read(table, row, start, count, factor, out):
    """Make out = factor * elements from start on, exactly widened; whether they are finite."""
    address, dtype = _get(table, 2 * row), _get(table, 2 * row + 1)
    if dtype == _BF16:
        brain = _u16s(address + _u64(2 * start))
        for i in range(count):
            _put(out, i, np.float64(_from32(_u32(_u32(_get(brain, i)) << _u32(16)))) * factor)
        return _finite16(brain, count, _u16(0x7F80))
    if dtype == _F16:
        half = _u16s(address + _u64(2 * start))
        for i in range(count):
            _put(out, i, _half(_get(half, i)) * factor)
        return _finite16(half, count, _u16(0x7C00))
    if dtype == _F32:
        single = _f32s(address + _u64(4 * start))
        for i in range(count):
            _put(out, i, np.float64(_get(single, i)) * factor)
        return _finite32(_u32s(address + _u64(4 * start)), count)
    double = _f64s(address + _u64(8 * start))
    for i in range(count):
        _put(out, i, _get(double, i) * factor)
    return _finite64(_u64s(address + _u64(8 * start)), count)


# Rounding.


@_jit
def _spaced(x, digits, lowest):
    """The bits of the nearest 16-bit float with so many digits after the point and this lowest exponent, ties to even.

    Normal results are rounded in the bits of float64. Below 2^lowest results are evenly spaced: added to the power of
    two whose float64 neighbours have that spacing, x is rounded by the addition itself. Too large gives infinity.
    """
    bits = _bits64(x)
    size = bits & _MAGNITUDE
    dropped = _u64(52 - digits)
    half = (_u64(1) << (dropped - _u64(1))) - _u64(1)
    bias = _u64(1022 + lowest) << _u64(digits)
    infinity = _u64(0x7FFF) >> _u64(digits) << _u64(digits)
    spaced = _from64(_u64(1023 + lowest - digits + 52) << _u64(52))
    least = _from64(_u64(1023 + lowest) << _u64(52))
    normal = ((size + half + ((size >> dropped) & _u64(1))) >> dropped) - bias
    value = _from64(size)
    rounded = _bits64(value + spaced) - _bits64(spaced) if value < least else normal
    return _u16(min(rounded, infinity) | ((bits >> _u64(48)) & _u64(0x8000)))


@_jit
def _round_brain(values, count, out, narrow):
    """To bfloat16, with room for as many 32-bit numbers in narrow.

    Rounded to 24 digits first, to odd where that is not exact, and then to 8, which gives what one rounding would.
    Source: S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums", IEEE TC 57(4), 2008, theorem 3.
    """
    dropped = _u64((1 << 29) - 1)
    for i in range(count):
        bits = _bits64(_get(values, i))
        odd = (bits | ((bits & dropped) + dropped)) & ~dropped
        _put(narrow, i, _bits32(np.float32(_from64(odd))))
    tiny = _u32(0)
    for i in range(count):
        bits = _get(narrow, i)
        size = _u32(bits & _u32(0x7FFF_FFFF))
        tiny |= _u32(_u32(size - _u32(1)) < _u32(0x7F_FFFF))
        _put(out, i, _u16((bits + _u32(0x7FFF) + ((bits >> _u32(16)) & _u32(1))) >> _u32(16)))
    if tiny:  # subnormal: float32 has fewer than 24 digits there, so that its rounding was another
        for i in range(count):
            _put(out, i, _spaced(_get(values, i), 7, -126))


@_jit
def _write(values, count, address, dtype, start, scratch):
    """Round to the output's elements from start on; whether they are finite. scratch: room for as many, [count]."""
    if dtype == _BF16:
        brain = _u16s(address + _u64(2 * start))
        _round_brain(values, count, brain, _u32s(scratch))
        return _finite16(brain, count, _u16(0x7F80))
    if dtype == _F16:
        half = _u16s(address + _u64(2 * start))
        for i in range(count):
            _put(half, i, _spaced(_get(values, i), 10, -14))
        return _finite16(half, count, _u16(0x7C00))
    if dtype == _F32:
        single = _f32s(address + _u64(4 * start))
        for i in range(count):
            _put(single, i, np.float32(_get(values, i)))
        return _finite32(_u32s(address + _u64(4 * start)), count)
    double = _f64s(address + _u64(8 * start))
    for i in range(count):
        _put(double, i, _get(values, i))
    return _finite64(_u64s(address + _u64(8 * start)), count)


# Loops. Those of several tensors return -1, or the row of the one that has an element that is not finite.


def widen(table, factor, out, count):
    """Make out = factor * tensor; 0 when it is not finite."""
    return np.int64(_read(_u64s(table), np.int64(0), np.int64(0), count, factor, _f64s(out)))


def subtract(table, base, out, count, scratch):
    """A task vector: out = tensor - base, base in float64; 0 when it is not finite."""
    bases, outs, room = _f64s(base), _f64s(out), _f64s(scratch)
    finite = True
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        finite &= _read(_u64s(table), np.int64(0), start, size, 1.0, room)
        for i in range(size):
            _put(outs, start + i, _get(room, i) - _get(bases, start + i))
    return np.int64(finite)


def round_nearest(values, out, dtype, count, scratch):
    """Make out = values, each rounded once, to nearest, ties to even; 0 when one does not fit."""
    finite = True
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        finite &= _write(_f64s(values + _u64(8 * start)), size, out, dtype, start, scratch)
    return np.int64(finite)


def add_scaled(into, values, factor, count):
    """Add: into += factor * values."""
    intos, others = _f64s(into), _f64s(values)
    for i in range(count):
        _put(intos, i, _get(intos, i) + _get(others, i) * factor)
    return np.int64(0)


def combine(table, rows, shares, decay, scale, divisor, out, dtype, count, scratch):  # noqa: C901  loops count
    """Make out = Σ share * tensor / divisor * scale; the sum shrinks by decay before the third and each later one."""
    tables, weights, total = _u64s(table), _f64s(shares), _f64s(scratch)
    room = _f64s(scratch + _u64(8 * BLOCK))
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        if not _read(tables, np.int64(0), start, size, _get(weights, np.int64(0)), total):
            return np.int64(0)
        for row in range(1, rows):
            if not _read(tables, row, start, size, _get(weights, row), room):
                return row
            if row > 1 and decay != 1.0:
                for i in range(size):
                    _put(total, i, _get(total, i) * decay)
            for i in range(size):
                _put(total, i, _get(total, i) + _get(room, i))
        if divisor != 1.0:
            for i in range(size):
                _put(total, i, _get(total, i) / divisor)
        if scale != 1.0:
            for i in range(size):
                _put(total, i, _get(total, i) * scale)
        if not _write(total, size, out, dtype, start, scratch + _u64(8 * BLOCK)):
            return rows
    return np.int64(-1)


def add_vectors(table, rows, scaling, out, dtype, count, scratch):
    """Make out = head + scaling * Σ (tensor - base); the table has base, head and then the tensors."""
    tables, base = _u64s(table), _f64s(scratch)
    total, room = _f64s(scratch + _u64(8 * BLOCK)), _f64s(scratch + _u64(16 * BLOCK))
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        if not _read(tables, np.int64(0), start, size, 1.0, base):
            return np.int64(0)
        for i in range(size):
            _put(total, i, 0.0)
        for row in range(2, rows):
            if not _read(tables, row, start, size, 1.0, room):
                return row
            for i in range(size):
                _put(total, i, _get(total, i) + (_get(room, i) - _get(base, i)))
        if not _read(tables, np.int64(1), start, size, 1.0, base):
            return np.int64(1)
        for i in range(size):
            _put(base, i, _get(base, i) + _get(total, i) * scaling)
        if not _write(base, size, out, dtype, start, scratch + _u64(16 * BLOCK)):
            return rows
    return np.int64(-1)


# DARE.


def thin(tau, key, first, drop_rate, count):
    """Drop entries and divide the rest by 1 - drop_rate; entry i has the (first + i)-th number of the key's stream.

    The stream is splitmix64's, as numbers in [0, 1); below drop_rate an entry is dropped.
    Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    entries, rest = _f64s(tau), 1.0 - drop_rate
    for i in range(count):
        z = key + _u64(0x9E37_79B9_7F4A_7C15) * (_u64(first) + _u64(i) + _u64(1))
        z = (z ^ (z >> _u64(30))) * _u64(0xBF58_476D_1CE4_E5B9)
        z = (z ^ (z >> _u64(27))) * _u64(0x94D0_49BB_1331_11EB)
        z ^= z >> _u64(31)
        uniform = np.float64(z >> _u64(11)) * 2.0**-53
        _put(entries, i, _get(entries, i) / rest if uniform >= drop_rate else 0.0)
    return np.int64(0)


# TIES.


@_jit
def _read_vector(tables, row, from_base, start, size, base, room):
    """A block of a task vector in room: the tensor less the base, or the tensor itself; whether it is finite."""
    finite = _read(tables, row, start, size, 1.0, room)
    if from_base:
        for i in range(size):
            _put(room, i, _get(room, i) - _get(base, i))
    return finite


def collect(table, from_base, low, high, room, found, count, scratch):
    """Append a task vector's magnitudes from low to high to room; found: [how many lie within it, and above high].

    table: the base, if the vector is to be taken from it, and the tensor.
    """
    tables, outs, counts = _u64s(table), _f64s(room), _u64s(found)
    base, values = _f64s(scratch), _f64s(scratch + _u64(8 * BLOCK))
    marks, words = _u8s(scratch + _u64(16 * BLOCK)), _u64s(scratch + _u64(16 * BLOCK))
    kept, above = np.int64(_get(counts, np.int64(0))), _get(counts, np.int64(1))
    lowest, highest = _bits64(low), _bits64(high)
    span = highest - lowest
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        if from_base and not _read(tables, np.int64(0), start, size, 1.0, base):
            return np.int64(0)
        if not _read_vector(tables, np.int64(1), from_base, start, size, base, values):
            return np.int64(1)
        within = _u64s(scratch + _u64(8 * BLOCK))
        over = _u64(0)
        for i in range(size):
            magnitude = _get(within, i) & _MAGNITUDE
            over += _u64(magnitude > highest)
            _put(marks, i, np.uint8((magnitude - lowest) <= span))
        above += over
        for i in range(size, -(-size // 8) * 8):
            _put(marks, i, np.uint8(0))
        # Few are within: eight marks that are zero are passed at once.
        for word in range(-(-size // 8)):
            if _get(words, word):
                for i in range(8 * word, min(8 * word + 8, size)):
                    magnitude = _get(within, i) & _MAGNITUDE
                    _put(outs, kept, _from64(magnitude))
                    kept += np.int64(_get(marks, i))
    _put(counts, np.int64(0), _u64(kept))
    _put(counts, np.int64(1), above)
    return np.int64(-1)


def elect(table, rows, from_base, limits, scaling, sums, stride, out, dtype, count, scratch):  # noqa: C901  loops count
    """Make out = base + scaling * the mean of the trimmed entries of the elected sign; a total of 0 elects none.

    table: the base, then a tensor of each checkpoint; limits: the smallest magnitude that each keeps.
    sums: positive and negative sums and counts, [4, stride], which go on from what they are; 0 when none are kept.
    """
    tables, least, base = _u64s(table), _f64s(limits), _f64s(scratch)
    room, mean = _f64s(scratch + _u64(8 * BLOCK)), _f64s(scratch + _u64(16 * BLOCK))
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        if not _read(tables, np.int64(0), start, size, 1.0, base):
            return np.int64(0)
        # Where nothing is kept, a block of each is enough.
        first = sums + _u64(8 * start) if sums else scratch + _u64(24 * BLOCK)
        step = _u64(8 * (stride if sums else BLOCK))
        p, n, u, d = _f64s(first), _f64s(first + step), _f64s(first + _u64(2) * step), _f64s(first + _u64(3) * step)
        if not sums:
            for i in range(size):
                _put(p, i, 0.0)
                _put(n, i, 0.0)
                _put(u, i, 0.0)
                _put(d, i, 0.0)
        for row in range(1, rows):
            if not _read_vector(tables, row, from_base, start, size, base, room):
                return row
            limit = _get(least, row - 1)
            for i in range(size):
                entry = _get(room, i)
                up = (entry >= limit) & (entry > 0.0)
                down = (entry <= -limit) & (entry < 0.0)
                _put(p, i, _get(p, i) + (entry if up else 0.0))
                _put(n, i, _get(n, i) + (entry if down else 0.0))
                _put(u, i, _get(u, i) + (1.0 if up else 0.0))
                _put(d, i, _get(d, i) + (1.0 if down else 0.0))
        for i in range(size):
            total = _get(p, i) + _get(n, i)
            elected = _get(p, i) if total > 0.0 else (_get(n, i) if total < 0.0 else 0.0)
            agreeing = _get(u, i) if total > 0.0 else _get(d, i)
            _put(mean, i, elected / max(agreeing, 1.0))
        for i in range(size):
            _put(base, i, _get(base, i) + _get(mean, i) * scaling)
        if not _write(base, size, out, dtype, start, scratch + _u64(8 * BLOCK)):
            return rows
    return np.int64(-1)


# MagMax.


def keep_largest(values, base, winners, largest, count):
    """Where values - base has a larger magnitude than `largest`, or is positive of the same, it takes its place."""
    news, bases, wins, most = _f64s(values), _f64s(base), _f64s(winners), _f64s(largest)
    for i in range(count):
        tau, old = _get(news, i) - _get(bases, i), _get(most, i)
        better = (abs(tau) > abs(old)) | ((abs(tau) == abs(old)) & (tau > old))
        _put(wins, i, _get(news, i) if better else _get(wins, i))
        _put(most, i, tau if better else old)
    return np.int64(0)
