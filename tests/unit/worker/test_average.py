"""The running average."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from worker.merging.average import average, operating_time

_DTYPES = [torch.float32, torch.float16, torch.bfloat16]


@given(
    k=st.integers(1, 8),
    seed=st.integers(0, 1000),
    dtype=st.sampled_from([torch.float32, torch.float16, torch.bfloat16]),
)
def test_merging_copies_of_one_tensor_gives_that_tensor(k: int, seed: int, dtype: torch.dtype) -> None:
    tensor = torch.randn(5, generator=torch.Generator().manual_seed(seed)).to(dtype)
    merged = tensor
    for number in range(1, k + 1):
        merged = average(merged, tensor, 1 / number)
    assert torch.equal(merged, tensor)


@given(count=st.integers(1, 6), seed=st.integers(0, 1000))
def test_at_equal_utilities_it_is_the_mean(count: int, seed: int) -> None:
    tensors = torch.randn(count, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    merged = torch.zeros(7, dtype=torch.float64)
    for number, tensor in enumerate(tensors):
        merged = average(merged, tensor, operating_time(1.0, float(number)))
    torch.testing.assert_close(merged, tensors.mean(dim=0), rtol=1e-12, atol=1e-12)


@given(seed=st.integers(0, 1000), time=st.floats(0, 1), dtype=st.sampled_from([torch.float16, torch.bfloat16]))
def test_the_result_is_the_exact_value_rounded_once(seed: int, time: float, dtype: torch.dtype) -> None:
    start, end = torch.randn(2, 9, generator=torch.Generator().manual_seed(seed)).to(dtype)
    exact = start.double() + (end.double() - start.double()) * time
    torch.testing.assert_close(average(start, end, time), exact.to(dtype), rtol=0, atol=0)


def test_shapes_and_times_are_checked() -> None:
    with pytest.raises(ValueError, match="shapes"):
        average(torch.zeros(2), torch.zeros(3), 0.5)
    with pytest.raises(ValueError, match="operating_time"):
        average(torch.zeros(2), torch.zeros(2), 1.5)
