"""From float64 to a file's dtype with one rounding: to nearest, ties to even."""

import numpy as np
import torch
from torch import Tensor

_DROPPED_BITS = {torch.bfloat16: 16, torch.float16: 13}
"""Significand bits that float32 has and the dtype has not."""


def round_once(values: Tensor, dtype: torch.dtype) -> Tensor:
    """The nearest value of `dtype` for each float64 value; overflow gives infinity.

    A plain conversion to a 16-bit dtype goes through float32 and so rounds twice, which moves values that float32
    rounds onto the middle between two neighbours. Those few are rounded to odd on the way, which is safe.
    Source: S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums", IEEE Trans. Computers 57 (2008).
    """
    dropped = _DROPPED_BITS.get(dtype)
    if dropped is None:
        return values.to(dtype)
    single = values.to(torch.float32)
    bits = single.numpy().view(np.int32)
    # Every middle, of subnormal results too, ends in this many zero bits. Nearly no other value does.
    low = np.bitwise_and(bits, (1 << (dropped - 1)) - 1)
    if np.count_nonzero(low) < low.size:
        _to_odd(values.numpy(), single.numpy(), bits, low)
    return single.to(dtype)


def _to_odd(values: np.ndarray, single: np.ndarray, bits: np.ndarray, low: np.ndarray) -> None:
    """Replace the inexact ones of `single` that may be middles by `values` rounded to odd."""
    # Means of 16-bit floats are nearly all exact in float32, however many of them are middles.
    doubtful = single.astype(np.float64) != values
    doubtful &= low == 0
    places = np.flatnonzero(doubtful)
    if not places.size:
        return
    # Bits of a float32 order its magnitudes: one less is the next number towards zero.
    towards_zero = bits[places] - (np.abs(single[places].astype(np.float64)) > np.abs(values[places]))
    bits[places] = towards_zero | 1
