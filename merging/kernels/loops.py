"""Inner loops of the streaming engine: Python that numba compiles (see `compiled.py`) and `api.py` calls.

A loop takes numbers and addresses of contiguous arrays; `dtype_io.py` describes tensors. Loops convert tensors to
float64 one block at a time. Loops over several tensors return -1, or the row of a tensor with an element that is not
finite.
"""
# numba compiles these functions and infers their types, so annotations would have no effect.
# mypy: ignore-errors

import math

import numpy as np

from merging.kernels import BLOCK
from merging.kernels.dtype_io import (
    MAGNITUDE,
    add_pair,
    add_pair_minus_base,
    all_bfloat16,
    bfloat16_value,
    bits64,
    difference_pair,
    f64s,
    finite_bfloat16,
    finite_pair,
    from64,
    get,
    jit,
    mark_pair,
    put,
    read,
    read_minus_base,
    read_pair,
    u8s,
    u16s,
    u64,
    u64s,
    write,
)

DTYPE_IO_SHA256 = "735ce5b8f7e6a58a2a0e2a4df477571e6c9bfeae961009e9110f0cf5cb88502e"
"""Digest of `dtype_io.py`. numba's cache only detects changes of this file, so a change there must change this one."""

_MANY = 2.0**26
"""An upper bound on the checkpoints of one merge; packs two counts into one float64."""


def widen(table, factor, out, count):
    """Compute out = factor * tensor. Returns 0 if the tensor is not finite."""
    return np.int64(read(u64s(table), np.int64(0), np.int64(0), count, factor, f64s(out)))


def subtract(table, base, out, count, scratch):
    """Compute a task vector: out = tensor - base, base in float64. Returns 0 if the tensor is not finite."""
    bases, outs, room = f64s(base), f64s(out), f64s(scratch)
    finite = True
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        finite &= read(u64s(table), np.int64(0), start, size, 1.0, room)
        for i in range(size):
            put(outs, start + i, get(room, i) - get(bases, start + i))
    return np.int64(finite)


def round_nearest(values, out, dtype, count, scratch):
    """Round each value once, to nearest, ties to even. Returns 0 if a result is not finite."""
    finite = True
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        finite &= write(f64s(values + u64(8 * start)), size, out, dtype, start, scratch)
    return np.int64(finite)


def add_scaled(into, values, factor, count):
    """Compute into += factor * values."""
    intos, others = f64s(into), f64s(values)
    for i in range(count):
        put(intos, i, get(intos, i) + get(others, i) * factor)
    return np.int64(0)


def combine(table, rows, shares, decay, scale, divisor, out, dtype, count, scratch):  # noqa: C901  loops count
    """Compute out = Σ share * tensor / divisor * scale; multiplies the sum by decay before the third and later ones."""
    tables, weights, total = u64s(table), f64s(shares), f64s(scratch)
    room = f64s(scratch + u64(8 * BLOCK))
    paired = rows > 1 and all_bfloat16(tables, np.int64(2))
    # From the third tensor on, add two at a time if all are bfloat16 and there is no decay between them.
    twos = (rows - 2) // 2 if decay == 1.0 and all_bfloat16(tables, np.int64(rows)) else 0
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        if paired:
            wrong = read_pair(tables, start, size, get(weights, np.int64(0)), get(weights, np.int64(1)), total)
            if wrong >= 0:
                return np.int64(wrong)
        elif not read(tables, np.int64(0), start, size, get(weights, np.int64(0)), total):
            return np.int64(0)
        for two in range(twos):
            row = np.int64(2 + 2 * two)
            wrong = add_pair(tables, row, start, size, get(weights, row), get(weights, row + 1), total)
            if wrong >= 0:
                return np.int64(wrong)
        for row in range(2 + 2 * twos if paired else 1, rows):
            if not read(tables, row, start, size, get(weights, row), room):
                return row
            if row > 1 and decay != 1.0:
                for i in range(size):
                    put(total, i, get(total, i) * decay)
            for i in range(size):
                put(total, i, get(total, i) + get(room, i))
        if divisor != 1.0:
            for i in range(size):
                put(total, i, get(total, i) / divisor)
        if scale != 1.0:
            for i in range(size):
                put(total, i, get(total, i) * scale)
        if not write(total, size, out, dtype, start, scratch + u64(8 * BLOCK)):
            return rows
    return np.int64(-1)


def add_vectors(table, rows, scaling, out, dtype, count, scratch):  # noqa: C901  loops count
    """Compute out = head + scaling * Σ (tensor - base). table: base, head, then the tensors."""
    tables, base = u64s(table), f64s(scratch)
    total, room = f64s(scratch + u64(8 * BLOCK)), f64s(scratch + u64(16 * BLOCK))
    twos = (rows - 2) // 2 if all_bfloat16(tables, np.int64(rows)) else 0
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        if not read(tables, np.int64(0), start, size, 1.0, base):
            return np.int64(0)
        for i in range(size):
            put(total, i, 0.0)
        for two in range(twos):
            wrong = add_pair_minus_base(tables, np.int64(2 + 2 * two), start, size, base, total)
            if wrong >= 0:
                return np.int64(wrong)
        for row in range(2 + 2 * twos, rows):
            if not read(tables, row, start, size, 1.0, room):
                return row
            for i in range(size):
                put(total, i, get(total, i) + (get(room, i) - get(base, i)))
        if not read(tables, np.int64(1), start, size, 1.0, base):
            return np.int64(1)
        for i in range(size):
            put(base, i, get(base, i) + get(total, i) * scaling)
        if not write(base, size, out, dtype, start, scratch + u64(16 * BLOCK)):
            return rows
    return np.int64(-1)


# DARE.


def thin(tau, key, first, drop_rate, count):
    """Drop entries and divide the rest by 1 - drop_rate; entry i uses the (first + i)-th number of the key's stream.

    The stream is splitmix64 mapped to [0, 1); an entry is dropped if its number is below drop_rate.
    Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    entries, rest = f64s(tau), 1.0 - drop_rate
    for i in range(count):
        z = key + u64(0x9E37_79B9_7F4A_7C15) * (u64(first) + u64(i) + u64(1))
        z = (z ^ (z >> u64(30))) * u64(0xBF58_476D_1CE4_E5B9)
        z = (z ^ (z >> u64(27))) * u64(0x94D0_49BB_1331_11EB)
        z ^= z >> u64(31)
        uniform = np.float64(z >> u64(11)) * 2.0**-53
        put(entries, i, get(entries, i) / rest if uniform >= drop_rate else 0.0)
    return np.int64(0)


# TIES.


@jit
def _read_vector(tables, row, from_base, start, size, base, room):
    """Read a block of a task vector: tensor - base, or the tensor itself. Returns whether it is finite."""
    if from_base:
        return read_minus_base(tables, row, start, size, base, room)
    return read(tables, row, start, size, 1.0, room)


def collect(table, from_base, low, high, room, selected, count, scratch):  # noqa: C901  loops count
    """Append a task vector's magnitudes from low to high to room.

    selected: [number of magnitudes in room, number above high], both updated. table: the base, if from_base, and the
    tensor.
    """
    tables, outs, counts = u64s(table), f64s(room), u64s(selected)
    base, values, within = f64s(scratch), f64s(scratch + u64(8 * BLOCK)), u64s(scratch + u64(8 * BLOCK))
    marks, words = u8s(scratch + u64(16 * BLOCK)), u64s(scratch + u64(16 * BLOCK))
    kept, above = np.int64(get(counts, np.int64(0))), get(counts, np.int64(1))
    lowest, highest = bits64(low), bits64(high)
    span = highest - lowest
    paired = from_base and all_bfloat16(tables, np.int64(2))
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        if paired:
            above += mark_pair(tables, start, size, low, high, marks)
            wrong = finite_pair(tables, start, size)
            if wrong >= 0:
                return np.int64(wrong)
        else:
            if from_base and not read(tables, np.int64(0), start, size, 1.0, base):
                return np.int64(0)
            if not _read_vector(tables, np.int64(1), from_base, start, size, base, values):
                return np.int64(1)
            over = u64(0)
            for i in range(size):
                magnitude = get(within, i) & MAGNITUDE
                over += u64(magnitude > highest)
                put(marks, i, np.uint8((magnitude - lowest) <= span))
            above += over
        for i in range(size, -(-size // 8) * 8):
            put(marks, i, np.uint8(0))
        # Few elements are marked, so skip eight at a time.
        for word in range(-(-size // 8)):
            if get(words, word):
                for i in range(8 * word, 8 * word + 8):
                    if get(marks, i):
                        value = difference_pair(tables, start + i) if paired else get(values, i)
                        magnitude = bits64(value) & MAGNITUDE
                        put(outs, kept, from64(magnitude))
                        kept += np.int64((magnitude - lowest) <= span)
                        above += u64(magnitude > highest)
    put(counts, np.int64(0), u64(kept))
    put(counts, np.int64(1), above)
    return np.int64(-1)


@jit
def _signs(entry, limit):
    """Whether trimming keeps an entry and it is positive; whether trimming keeps it and it is negative."""
    return (entry >= limit) & (entry > 0.0), (entry <= -limit) & (entry < 0.0)


@jit
def _elect_pair(tables, limits, scaling, out, dtype, count, scratch):
    """Compute `elect` for two bfloat16 checkpoints and their base, in one pass.

    Two entries of the same sign give half their sum; of two with different signs the larger is elected.
    """
    merged = f64s(scratch)
    one, other = get(limits, np.int64(0)), get(limits, np.int64(1))
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        base = u16s(get(tables, np.int64(0)) + u64(2 * start))
        left, right = u16s(get(tables, np.int64(2)) + u64(2 * start)), u16s(get(tables, np.int64(4)) + u64(2 * start))
        for i in range(size):
            origin = bfloat16_value(base, i)
            a, b = bfloat16_value(left, i) - origin, bfloat16_value(right, i) - origin
            a, b = (a if abs(a) >= one else 0.0), (b if abs(b) >= other else 0.0)
            larger = a if abs(a) > abs(b) else (b if abs(b) > abs(a) else 0.0)
            # The product of two differences of bfloat16 numbers does not underflow in float64.
            put(merged, i, origin + ((a + b) * 0.5 if a * b > 0.0 else larger) * scaling)
        for row in range(3):
            if not finite_bfloat16(tables, row, start, size):
                return np.int64(row)
        if not write(merged, size, out, dtype, start, scratch + u64(8 * BLOCK)):
            return np.int64(3)
    return np.int64(-1)


def elect(table, rows, from_base, limits, scaling, sums, stride, out, dtype, count, scratch):  # noqa: C901  loops count
    """Compute out = base + scaling * mean of the trimmed entries of the elected sign; a total of 0 elects none.

    table: the base, then a tensor of each checkpoint. limits: the smallest magnitude that each keeps.
    sums: address of positive and negative sums and counts, [4, stride], which are added to; 0 without stored sums.
    """
    tables, least, base = u64s(table), f64s(limits), f64s(scratch)
    room = f64s(scratch + u64(8 * BLOCK))
    if rows == 3 and from_base and not sums and all_bfloat16(tables, np.int64(3)):
        return _elect_pair(tables, least, scaling, out, dtype, count, scratch)
    # Without stored sums a block of each suffices, and u packs both counts: the positive count is multiplied by _MANY.
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        if not read(tables, np.int64(0), start, size, 1.0, base):
            return np.int64(0)
        first = sums + u64(8 * start) if sums else scratch + u64(24 * BLOCK)
        step = u64(8 * (stride if sums else BLOCK))
        p, n, u, d = f64s(first), f64s(first + step), f64s(first + u64(2) * step), f64s(first + u64(3) * step)
        for row in range(1, rows):
            if not _read_vector(tables, row, from_base, start, size, base, room):
                return row
            limit = get(least, row - 1)
            if sums:
                for i in range(size):
                    entry = get(room, i)
                    up, down = _signs(entry, limit)
                    put(p, i, get(p, i) + (entry if up else 0.0))
                    put(n, i, get(n, i) + (entry if down else 0.0))
                    put(u, i, get(u, i) + (1.0 if up else 0.0))
                    put(d, i, get(d, i) + (1.0 if down else 0.0))
            elif row == 1:
                for i in range(size):
                    entry = get(room, i)
                    up, down = _signs(entry, limit)
                    put(p, i, entry if up else 0.0)
                    put(n, i, entry if down else 0.0)
                    put(u, i, _MANY if up else (1.0 if down else 0.0))
            else:
                for i in range(size):
                    entry = get(room, i)
                    up, down = _signs(entry, limit)
                    put(p, i, get(p, i) + (entry if up else 0.0))
                    put(n, i, get(n, i) + (entry if down else 0.0))
                    put(u, i, get(u, i) + (_MANY if up else (1.0 if down else 0.0)))
        if sums:
            for i in range(size):
                total = get(p, i) + get(n, i)
                elected = get(p, i) if total > 0.0 else (get(n, i) if total < 0.0 else 0.0)
                agreeing = get(u, i) if total > 0.0 else get(d, i)
                put(base, i, get(base, i) + elected / max(agreeing, 1.0) * scaling)
        else:
            for i in range(size):
                total = get(p, i) + get(n, i)
                elected = get(p, i) if total > 0.0 else (get(n, i) if total < 0.0 else 0.0)
                positive = math.floor(get(u, i) * (1.0 / _MANY))
                agreeing = positive if total > 0.0 else get(u, i) - positive * _MANY
                put(base, i, get(base, i) + elected / max(agreeing, 1.0) * scaling)
        if not write(base, size, out, dtype, start, scratch + u64(8 * BLOCK)):
            return rows
    return np.int64(-1)


# MagMax.


def keep_largest(values, base, winners, largest, count):
    """Replace `largest` by values - base where its magnitude is larger, or equal and it is positive."""
    news, bases, wins, maximum = f64s(values), f64s(base), f64s(winners), f64s(largest)
    for i in range(count):
        tau, old = get(news, i) - get(bases, i), get(maximum, i)
        better = (abs(tau) > abs(old)) | ((abs(tau) == abs(old)) & (tau > old))
        put(wins, i, get(news, i) if better else get(wins, i))
        put(maximum, i, tau if better else old)
    return np.int64(0)
