"""Spherical interpolation."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.slerp import Slerp
from merging.streaming import CHUNK
from tests.unit.merging.streams import DTYPES, draw, rounded, run


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), time=st.floats(0, 1), dtype=st.sampled_from(DTYPES))
def test_it_is_shoemakes_formula_rounded_once(seed: int, time: float, dtype: torch.dtype) -> None:
    one, other = draw(seed, 9, 5, dtype=dtype, spread=0.5), draw(seed + 1, 9, 5, dtype=dtype, spread=0.5)
    v0, v1 = one.double().reshape(-1), other.double().reshape(-1)
    omega = math.acos(float(v0 @ v1) / math.sqrt(float(v0 @ v0) * float(v1 @ v1)))
    expected = (math.sin((1 - time) * omega) * v0 + math.sin(time * omega) * v1) / math.sin(omega)
    merged = run(Slerp(time), {"w": one}, {"w": one}, [{"w": other}])[0]["w"]
    difference = (merged.double().reshape(-1) - rounded(expected, dtype).double()).abs()
    assert float((difference / expected.abs().clamp(min=1e-12)).max()) <= 2 * torch.finfo(dtype).eps
    assert float((difference > 0).double().mean()) <= 0.05, "only the order of sums may differ"


def test_unit_vectors_stay_on_the_sphere_over_several_chunks() -> None:
    one, other = (torch.nn.functional.normalize(draw(n, CHUNK + 50, spread=0.1), dim=0) for n in (1, 2))
    merged = run(Slerp(0.3), {"w": one}, {"w": one}, [{"w": other}])[0]["w"]
    assert float(merged.norm()) == pytest.approx(1.0, abs=1e-5)


def test_it_has_both_ends_and_copies_are_the_checkpoint() -> None:
    one, other = {"w": draw(1, 99)}, {"w": draw(2, 99)}
    assert torch.equal(run(Slerp(0.0), one, one, [other])[0]["w"], one["w"])
    assert torch.equal(run(Slerp(1.0), one, one, [other])[0]["w"], other["w"])
    assert torch.equal(run(Slerp(0.4), one, other, [other])[0]["w"], other["w"])


@pytest.mark.parametrize("factor", [0.0, -1.0, 2.0])
def test_where_there_is_no_circle_it_is_a_straight_line(factor: float) -> None:
    one = {"w": draw(1, 20)}
    other = {"w": one["w"] * factor}
    merged = run(Slerp(0.25), one, one, [other])[0]["w"]
    torch.testing.assert_close(merged, one["w"] * (0.75 + 0.25 * factor))


def test_several_checkpoints_are_refused() -> None:
    one = {"w": draw(1, 2)}
    with pytest.raises(ValueError, match="one checkpoint"):
        run(Slerp(0.5), one, one, [one, one])
