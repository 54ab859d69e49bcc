"""Rounding float64 to a file's dtype once."""

import struct
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.merging.streams import rounded

_WIDTH = {torch.bfloat16: (8, -126, 127), torch.float16: (11, -14, 15)}


def _nearest(value: float, dtype: torch.dtype) -> float:
    """The definition in exact arithmetic: the multiple of the spacing nearest to the value, ties to the even one."""
    digits, lowest, highest = _WIDTH[dtype]
    if value == 0.0:
        return value
    exponent = struct.unpack(">Q", struct.pack(">d", abs(value)))[0] // 2**52 - 1023
    spacing = Fraction(2) ** (max(exponent, lowest) - digits + 1)
    result = round(Fraction(value) / spacing) * spacing
    limit = Fraction(2) ** (highest + 1)
    return float("inf") * (1 if value > 0 else -1) if abs(result) >= limit else float(result)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@settings(deadline=None)
@given(value=st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_any_number_rounds_to_the_nearest(dtype: torch.dtype, value: float) -> None:
    assert float(rounded(torch.tensor([value], dtype=torch.float64), dtype)[0]) == _nearest(value, dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@settings(deadline=None)
@given(seed=st.integers(0, 2**16), exponent=st.integers(-30, 14), offset=st.sampled_from([-1, 0, 1]))
def test_values_beside_the_middle_of_two_neighbours_are_not_pulled_onto_it(
    dtype: torch.dtype, seed: int, exponent: int, offset: int
) -> None:
    digits = _WIDTH[dtype][0]
    middle = (2 ** (digits - 1) + seed % 2 ** (digits - 1) + 0.5) * 2.0 ** (exponent - digits)
    value = middle * (1 + offset * 2.0**-50) * (-1) ** seed
    assert float(rounded(torch.tensor([value], dtype=torch.float64), dtype)[0]) == _nearest(value, dtype)


def test_a_plain_conversion_would_round_twice() -> None:
    value = torch.tensor([1 + 2**-8 + 2**-40], dtype=torch.float64)
    assert float(value.to(torch.bfloat16)[0]) == 1.0
    assert float(rounded(value, torch.bfloat16)[0]) == 1 + 2**-7


def test_other_dtypes_are_converted() -> None:
    value = torch.tensor([1 / 3], dtype=torch.float64)
    assert torch.equal(rounded(value, torch.float32), value.float())
    assert torch.equal(rounded(value, torch.float64), value)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), lowest=st.sampled_from([-150, -130, -20, 0]))
def test_every_number_of_an_array_rounds_to_the_nearest(dtype: torch.dtype, seed: int, lowest: int) -> None:
    """More than a block, subnormal ones among them or not, and many in the middle of two neighbours or just beside."""
    digits, smallest, _ = _WIDTH[dtype]
    draw = torch.Generator().manual_seed(seed)
    size = 1500
    exponents = torch.randint(max(lowest, smallest - digits - 3), 10, (size,), generator=draw).double()
    halves = torch.randint(-(2 ** (digits + 1)), 2 ** (digits + 1), (size,), generator=draw).double()
    beside = 1 + torch.randint(-1, 2, (size,), generator=draw).double() * 2.0**-45
    values = halves * 2.0**-digits * torch.exp2(exponents) * beside
    assert rounded(values, dtype).double().tolist() == [_nearest(value, dtype) for value in values.tolist()]
