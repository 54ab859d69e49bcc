"""The k-th largest value of a stream, exactly."""

from collections.abc import Iterator

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.kernels import api as kernels
from merging.topk import Plain, kth_largest

_RNG = np.random.default_rng(0)
_KINDS = {
    "normal": np.abs(_RNG.standard_normal(5000)),
    "few values": _RNG.integers(0, 4, 5000).astype(np.float64),
    "all equal": np.full(5000, 0.25),
    "all zero": np.zeros(5000),
    "wide": np.exp(40 * _RNG.standard_normal(5000)),
    "sorted": np.sort(np.abs(_RNG.standard_normal(5000))),
}


def _find(values: np.ndarray, k: int, sample: np.ndarray, max_kept: int) -> tuple[float, int]:
    passes = 0

    def chunks() -> Iterator[Plain]:
        nonlocal passes
        passes += 1
        assert passes < 100
        yield from map(Plain, np.array_split(values, 7))

    return kth_largest(chunks, sample, k / values.size, k, max_kept), passes


@pytest.mark.parametrize("kind", _KINDS)
@settings(max_examples=25, deadline=None)
@given(k=st.integers(1, 5000), max_kept=st.sampled_from([16, 200, 10_000]), sampled=st.sampled_from([0, 30, 1000]))
def test_the_value_equals_that_of_sorting(kind: str, k: int, max_kept: int, sampled: int) -> None:
    values = _KINDS[kind]
    result, _ = _find(values, k, values[:sampled], max_kept)
    assert result == np.sort(values)[-k]


@settings(max_examples=25, deadline=None)
@given(k=st.integers(1, 5000), value=st.sampled_from([0.0, 1e-300, 1e300]))
def test_a_sample_that_misleads_costs_passes_only(k: int, value: float) -> None:
    values = _KINDS["normal"]
    result, _ = _find(values, k, np.full(500, value), 200)
    assert result == np.sort(values)[-k]


def test_one_pass_is_enough_when_the_sample_is_typical() -> None:
    values = _KINDS["normal"]
    _, passes = _find(values, 1000, values[::5], 5000)
    assert passes == 1


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), first=st.integers(0, 4999), last=st.integers(0, 4999))
def test_bounds_are_exact_where_float32_cannot_tell_differences_of_bfloat16_apart(
    seed: int, first: int, last: int
) -> None:
    draw = np.random.default_rng(seed)
    # Around one, with exponents down to 2^-60: what is added is lost in float32, and not in float64.
    base, tensor = (
        ((draw.choice([-1.0, 1.0], 5000) * 2.0 ** -draw.choice([0, 23, 24, 30, 60], 5000)).astype(np.float32))
        for _ in range(2)
    )
    exact = np.abs(tensor.astype(np.float64) - base.astype(np.float64))
    low, high = sorted((exact[first], exact[last]))
    assert np.unique(exact).size > np.unique(np.abs(tensor - base)).size, "float32 must not be able to"
    room, result = np.empty(5000), np.zeros(2, np.uint64)
    pair = [each.astype(ml_dtypes.bfloat16) for each in (base, tensor)]
    assert kernels.collect(*pair, low, high, room, result) == -1
    assert np.array_equal(np.sort(room[: result[0]]), np.sort(exact[(exact >= low) & (exact <= high)]))
    assert result[1] == np.count_nonzero(exact > high)
