"""TIES, one checkpoint at a time and all at once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from merging.streaming import CHUNK, NotFinite
from merging.ties import PARTS, Ties
from tests.unit.merging.streams import DTYPES, State, draw, nearby, rounded, run


def batch_ties(base: State, models: list[State], density: float, scaling: float, scope: str = "tensor") -> State:
    """TIES as the paper defines it, in float64 on whole tensors. Source: arXiv 2306.01708, algorithm 1."""
    vectors = [{name: model[name].double() - base[name].double() for name in base} for model in models]
    trimmed = []
    for vector in vectors:
        whole = torch.cat([tau.reshape(-1) for tau in vector.values()])
        trimmed.append({name: _trim(tau, whole if scope == "model" else tau, density) for name, tau in vector.items()})
    merged = {}
    for name, tensor in base.items():
        entries = torch.stack([vector[name] for vector in trimmed])
        sign = torch.sign(sum(entry.clamp(min=0) for entry in entries) + sum(entry.clamp(max=0) for entry in entries))
        agree = (torch.sign(entries) == sign) & (entries != 0)
        total = sum(torch.where(ok, entry, 0.0) for ok, entry in zip(agree, entries, strict=True))
        mean = total / agree.sum(dim=0).clamp(min=1)
        merged[name] = rounded(tensor.double() + scaling * mean, tensor.dtype)
    return merged


def _trim(tau: Tensor, ranked: Tensor, density: float) -> Tensor:
    keep = max(1, round(density * ranked.numel()))
    limit = ranked.abs().reshape(-1).sort().values[-keep]
    return torch.where(tau.abs() >= limit, tau, 0.0)


def one_by_one(base: State, models: list[State], method: Ties) -> State:
    head, parts = base, None
    for model in models:
        fresh = Ties(method.density, method.scaling, method.scope)
        head, parts, _ = run(fresh, base, head, [model], parts)
    return head


def _network(seed: int, dtype: torch.dtype, count: int) -> tuple[State, list[State]]:
    base = {"a.weight": draw(seed, 40, 30, dtype=dtype), "a.bias": draw(seed + 1, 7, dtype=dtype)}
    models = [{name: nearby(tensor, seed + 10 * n + 3) for name, tensor in base.items()} for n in range(count)]
    return base, models


def _same(one: State, other: State) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 6),
    dtype=st.sampled_from(DTYPES),
    density=st.floats(0.01, 1.0),
    scaling=st.sampled_from([1.0, 0.3]),
    scope=st.sampled_from(["tensor", "model"]),
)
def test_merging_one_by_one_equals_the_batch_of_all_bit_for_bit(
    seed: int, count: int, dtype: torch.dtype, density: float, scaling: float, scope: str
) -> None:
    base, models = _network(seed, dtype, count)
    method = Ties(density, scaling, scope)
    expected = batch_ties(base, models, density, scaling, scope)
    assert _same(one_by_one(base, models, method), expected)
    assert _same(run(Ties(density, scaling, scope, stateful=False), base, base, models)[0], expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_tensors_are_trimmed_exactly_chunk_by_chunk(dtype: torch.dtype) -> None:
    base = {"w": draw(1, 3 * CHUNK + 17, dtype=dtype)}
    models = [{"w": nearby(base["w"], seed)} for seed in (2, 3)]
    expected = batch_ties(base, models, 0.2, 1.0)
    assert _same(one_by_one(base, models, Ties(0.2)), expected)
    assert _same(run(Ties(0.2, stateful=False), base, base, models)[0], expected)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), order=st.permutations(range(3)))
def test_order_does_not_matter(seed: int, order: list[int]) -> None:
    # Of bfloat16 values that lie near each other all sums are exact, so not even a rounding may differ.
    base = {"w": draw(seed, 50, dtype=torch.bfloat16, spread=0.5)}
    models = [{"w": nearby(base["w"], seed + n)} for n in range(3)]
    straight = one_by_one(base, models, Ties(0.4))
    assert _same(one_by_one(base, [models[n] for n in order], Ties(0.4)), straight)


def test_copies_of_one_checkpoint_change_nothing_more_and_untrimmed_they_are_the_checkpoint() -> None:
    base, (model,) = _network(5, torch.bfloat16, 1)
    once = one_by_one(base, [model], Ties(0.2))
    assert _same(one_by_one(base, [model] * 4, Ties(0.2)), once)
    assert _same(one_by_one(base, [model] * 3, Ties(1.0)), model)


def test_a_missing_tensor_keeps_value_and_state() -> None:
    base, models = _network(1, torch.float32, 3)
    head, parts, _ = run(Ties(0.5), base, base, [models[0]])
    partial = {"a.weight": models[1]["a.weight"]}
    later, later_parts, missing = run(Ties(0.5), base, head, [partial], parts)
    assert missing == ["a.bias"]
    assert torch.equal(later["a.bias"], head["a.bias"])
    for part in PARTS:
        assert torch.equal(later_parts[part]["a.bias"], parts[part]["a.bias"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2])
def test_values_that_are_not_finite_are_refused_even_where_trimming_would_drop_them(
    dtype: torch.dtype, count: int
) -> None:
    base, models = _network(1, dtype, count)
    models[-1]["a.bias"][0] = float("nan")
    with pytest.raises(NotFinite, match=r"a\.bias of the checkpoint"):
        run(Ties(0.1), base, base, models)
    models[-1]["a.bias"][0] = base["a.bias"][0]
    base["a.weight"][3, 3] = float("inf")
    with pytest.raises(NotFinite, match=r"a\.weight of the base"):
        run(Ties(0.1), base, base, models)
