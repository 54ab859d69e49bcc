"""The k-th largest value of a stream, exactly."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.merging.threshold import Plain, kth_largest

_RNG = np.random.default_rng(0)
_KINDS = {
    "normal": np.abs(_RNG.standard_normal(5000)),
    "few values": _RNG.integers(0, 4, 5000).astype(np.float64),
    "all equal": np.full(5000, 0.25),
    "all zero": np.zeros(5000),
    "wide": np.exp(40 * _RNG.standard_normal(5000)),
    "sorted": np.sort(np.abs(_RNG.standard_normal(5000))),
}


def _find(values: np.ndarray, k: int, sample: np.ndarray, most_kept: int) -> tuple[float, int]:
    passes = 0

    def chunks() -> Iterator[Plain]:
        nonlocal passes
        passes += 1
        assert passes < 100
        yield from map(Plain, np.array_split(values, 7))

    return kth_largest(chunks, sample, k / values.size, k, most_kept), passes


@pytest.mark.parametrize("kind", _KINDS)
@settings(max_examples=25, deadline=None)
@given(k=st.integers(1, 5000), most_kept=st.sampled_from([16, 200, 10_000]), sampled=st.sampled_from([0, 30, 1000]))
def test_it_is_what_sorting_finds(kind: str, k: int, most_kept: int, sampled: int) -> None:
    values = _KINDS[kind]
    found, _ = _find(values, k, values[:sampled], most_kept)
    assert found == np.sort(values)[-k]


@settings(max_examples=25, deadline=None)
@given(k=st.integers(1, 5000), value=st.sampled_from([0.0, 1e-300, 1e300]))
def test_a_sample_that_misleads_costs_passes_only(k: int, value: float) -> None:
    values = _KINDS["normal"]
    found, _ = _find(values, k, np.full(500, value), 200)
    assert found == np.sort(values)[-k]


def test_one_pass_is_enough_when_the_sample_is_typical() -> None:
    values = _KINDS["normal"]
    _, passes = _find(values, 1000, values[::5], 5000)
    assert passes == 1
