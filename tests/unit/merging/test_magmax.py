"""MagMax."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.magmax import MagMax
from tests.unit.merging.streams import DTYPES, State, draw, nearby, rounded, run


def _one_by_one(base: State, models: list[State], scaling: float = 1.0) -> State:
    head, parts = base, None
    for model in models:
        head, parts, _ = run(MagMax(scaling), base, head, [model], parts)
    return head


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    dtype=st.sampled_from(DTYPES),
    scaling=st.sampled_from([1.0, 0.5]),
    order=st.permutations(range(4)),
)
def test_one_by_one_in_any_order_equals_the_formula_of_all(
    seed: int, dtype: torch.dtype, scaling: float, order: list[int]
) -> None:
    base = {"w": draw(seed, 60, dtype=dtype)}
    models = [{"w": nearby(base["w"], seed + n)} for n in range(4)]
    tau = torch.stack([model["w"].double() - base["w"].double() for model in models])
    top = tau.abs().max(dim=0).values
    largest = torch.where((tau == top).any(dim=0), top, -top)
    expected = rounded(base["w"].double() + scaling * largest, dtype)
    merged = _one_by_one(base, [models[n] for n in order], scaling)["w"]
    if scaling == 1.0:
        # The winner's own value, which base + (winner - base) misses by a rounding where magnitudes are far apart.
        torch.testing.assert_close(merged, expected, rtol=1e-6, atol=1e-30)
        assert torch.stack([merged == model["w"] for model in [*models, base]]).any(dim=0).all()
    else:
        assert torch.equal(merged, expected)


def test_copies_of_one_checkpoint_are_it() -> None:
    base = {"w": draw(1, 99)}
    model = {"w": nearby(base["w"], 2)}
    assert torch.equal(_one_by_one(base, [model] * 3)["w"], model["w"])
