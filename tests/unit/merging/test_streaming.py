"""What holds for every streamed method: order, dtypes, what is copied, what is refused."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.average import Average
from merging.linear import Linear
from merging.magmax import MagMax
from merging.slerp import Slerp
from merging.streaming import CHUNK, Method, NotFinite
from merging.task_arithmetic import TaskArithmetic
from merging.ties import Ties
from tests.unit.merging.streams import DTYPES, draw, nearby, rounded, run

_METHODS: list[Method] = [Average(before=2.0, utilities=(1.0,)), Linear(0.3), TaskArithmetic(0.7)]


def _formula(method: Method, base: torch.Tensor, head: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """The method's formula in float64 on whole tensors."""
    base, head, new = base.double(), head.double(), new.double()
    if isinstance(method, Average):
        return (2.0 * head + new) / 3.0
    if isinstance(method, Linear):
        return (1 - 0.3) * head + 0.3 * new
    return head + 0.7 * (new - base)


@pytest.mark.parametrize("method", _METHODS, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("incoming", DTYPES)
def test_the_streamed_result_is_the_float64_formula_rounded_once(
    method: Method, dtype: torch.dtype, incoming: torch.dtype
) -> None:
    base = draw(1, 257, 601, dtype=dtype)
    assert base.numel() > CHUNK, "more than one chunk"
    head, new = nearby(base, 2), nearby(base, 3).to(incoming)
    weights, _, missing = run(method, {"w": base}, {"w": head}, [{"w": new}])
    assert missing == []
    assert weights["w"].dtype == dtype
    assert torch.equal(weights["w"], rounded(_formula(method, base, head, new), dtype))


@pytest.mark.parametrize("method", _METHODS, ids=lambda method: type(method).__name__)
def test_a_missing_tensor_keeps_the_merged_value_and_is_named(method: Method) -> None:
    base = {name: draw(seed, 5) for seed, name in enumerate("abc")}
    head = {name: tensor + 1 for name, tensor in base.items()}
    new = {name: tensor + 2 for name, tensor in base.items() if name != "b"}
    weights, _, missing = run(method, base, head, [new])
    assert missing == ["b"]
    assert torch.equal(weights["b"], head["b"])
    assert not torch.equal(weights["a"], head["a"])


def test_order_shapes_and_dtypes_are_those_of_the_base_and_integers_are_copied() -> None:
    base = {
        "z": draw(0, 3, dtype=torch.bfloat16),
        "steps": torch.tensor(7),
        "empty": torch.zeros(0, 4),
        "scalar": torch.tensor(2.0),
        "mask": torch.tensor([True, False]),
        "a": draw(1, 2, 2),
        "eighth": torch.ones(3).to(torch.float8_e4m3fn),
    }
    new = {
        name: tensor + 1 if tensor.dtype.is_floating_point and tensor.itemsize > 1 else tensor
        for name, tensor in base.items()
    }
    new["steps"] = torch.tensor(9)
    weights, _, _ = run(Linear(1.0), base, base, [new])
    assert list(weights) == list(base)
    assert int(weights["steps"]) == 7
    for name, tensor in weights.items():
        assert (tensor.dtype, tensor.shape) == (base[name].dtype, base[name].shape)
    assert float(weights["scalar"]) == 3.0
    assert torch.equal(weights["mask"], base["mask"])


@pytest.mark.parametrize("method", _METHODS, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_refused_by_tensor_and_input(method: Method, value: float) -> None:
    good = {"x.a": draw(1, CHUNK + 5), "x.b": draw(2, 3)}
    bad = {name: tensor.clone() for name, tensor in good.items()}
    bad["x.a"][CHUNK + 3] = value
    with pytest.raises(NotFinite, match=r"x\.a of the checkpoint"):
        run(method, good, good, [bad])
    with pytest.raises(NotFinite, match=r"x\.a of the merged weights"):
        run(method, good, bad, [good])


def test_a_result_that_does_not_fit_its_dtype_is_refused() -> None:
    for dtype, large in ((torch.float16, 6e4), (torch.bfloat16, 3e38), (torch.float32, 3e38)):
        base = {"w": torch.zeros(4, dtype=dtype)}
        new = {"w": torch.full((4,), large).to(dtype)}
        with pytest.raises(NotFinite, match="w of the result"):
            run(TaskArithmetic(3.0), base, new, [new])


def test_shapes_that_differ_are_refused_by_name() -> None:
    base = {"w": torch.zeros(2, 3)}
    with pytest.raises(ValueError, match=r"w has shape \(3, 2\) in the checkpoint, expected \(2, 3\)"):
        run(Linear(0.5), base, base, [{"w": torch.zeros(3, 2)}])


def test_the_callback_before_a_tensor_can_end_the_merge() -> None:
    from merging.streaming import Inputs, merge
    from tests.unit.merging.streams import Held

    base = Held({"a": torch.zeros(2), "b": torch.zeros(2)})
    seen: list[str] = []

    def stop(name: str) -> None:
        seen.append(name)
        if name == "b":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(Inputs(base, base, (base,), {}, lambda _: True), Linear(0.5), lambda _, __: None, stop)
    assert seen == ["a", "b"]


@settings(max_examples=30, deadline=None)
@given(k=st.integers(1, 6), seed=st.integers(0, 1000), dtype=st.sampled_from(DTYPES))
def test_copies_of_one_checkpoint_average_to_it(k: int, seed: int, dtype: torch.dtype) -> None:
    base, new = {"w": draw(seed, 50, dtype=dtype)}, {"w": draw(seed + 1, 50, dtype=dtype)}
    head = base
    for number in range(k):
        head, _, _ = run(Average(before=float(number), utilities=(1.0,)), base, head, [new])
    assert torch.equal(head["w"], new["w"])
    assert torch.equal(run(Linear(0.37), base, new, [new])[0]["w"], new["w"])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), order=st.permutations(range(4)), dtype=st.sampled_from(DTYPES))
def test_several_checkpoints_at_once_give_their_mean_in_any_order(
    seed: int, order: list[int], dtype: torch.dtype
) -> None:
    base = {"w": draw(seed, 50, dtype=dtype, spread=1.0)}
    models = [{"w": nearby(base["w"], seed + number)} for number in range(4)]
    mean = torch.stack([model["w"].double() for model in models]).mean(dim=0)
    together, _, _ = run(Average(0.0, (1.0,) * 4), base, base, [models[index] for index in order])
    assert torch.equal(together["w"], rounded(mean, dtype))


def test_the_first_checkpoint_is_kept_unchanged() -> None:
    base, new = {"w": draw(1, 99)}, {"w": draw(2, 99)}
    for method in (Average(0.0, (1.0,)), Average(0.0, (0.3,)), Linear(1.0)):
        assert torch.equal(run(method, base, base, [new])[0]["w"], new["w"])


def test_adding_and_subtracting_a_task_vector_restores_the_weights() -> None:
    base, new = {"w": draw(1, 99, spread=1.0)}, {"w": draw(2, 99, spread=1.0)}
    there = run(TaskArithmetic(0.5), base, base, [new])[0]
    back = run(TaskArithmetic(-0.5), base, there, [new])[0]
    torch.testing.assert_close(back["w"], base["w"])


_ANY: list[Method] = [*_METHODS, Ties(0.4), MagMax(0.5), Slerp(0.3)]


def _tied(seed: int, *names: str) -> dict[str, torch.Tensor]:
    """Embeddings, under one name or several, and another tensor."""
    return dict.fromkeys(names, draw(seed, 30, 4, spread=1.0)) | {"norm.weight": draw(seed + 1, 4, spread=1.0)}


@pytest.mark.parametrize("method", _ANY, ids=lambda method: type(method).__name__)
def test_tied_weights_that_every_file_stores_twice_stay_equal(method: Method) -> None:
    names = ("embed.weight", "lm_head.weight")
    weights, parts, missing = run(method, _tied(1, *names), _tied(3, *names), [_tied(5, *names)])
    assert missing == []
    assert torch.equal(*(weights[name] for name in names))
    assert all(torch.equal(*(part[name] for name in names)) for part in parts.values())
    single = run(method, _tied(1, names[0]), _tied(3, names[0]), [_tied(5, names[0])])[0]
    assert torch.equal(weights[names[0]], single[names[0]])


@pytest.mark.parametrize("method", _ANY, ids=lambda method: type(method).__name__)
def test_a_tied_name_that_the_base_lacks_is_not_written(method: Method) -> None:
    once, twice = _tied(1, "embed.weight"), _tied(5, "embed.weight", "lm_head.weight")
    weights, _, missing = run(method, once, once, [twice])
    assert (list(weights), missing) == (["embed.weight", "norm.weight"], [])


def test_a_tied_name_that_the_checkpoint_lacks_keeps_its_value_and_is_named() -> None:
    twice, once = _tied(1, "embed.weight", "lm_head.weight"), _tied(5, "embed.weight")
    weights, _, missing = run(Linear(0.5), twice, twice, [once])
    assert missing == ["lm_head.weight"]
    assert torch.equal(weights["lm_head.weight"], twice["lm_head.weight"])


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_keep_their_signs_in_an_unchanged_checkpoint(dtype: torch.dtype) -> None:
    base, new = {"w": torch.ones(2, dtype=dtype)}, {"w": torch.tensor([-0.0, 0.0], dtype=dtype)}
    weights = run(Average(0.0, (1.0,)), base, base, [new])[0]["w"]
    assert torch.signbit(weights).tolist() == [True, False]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
def test_many_at_once_are_added_one_after_the_other_in_float64(count: int, dtype: torch.dtype) -> None:
    base = draw(1, 5003, dtype=dtype)
    head, models = nearby(base, 2), [nearby(base, 10 + number) for number in range(count)]
    utilities = tuple(1.0 + number / 3 for number in range(count))
    total, vector = 2.0 * head.double(), torch.zeros_like(base, dtype=torch.float64)
    for utility, model in zip(utilities, models, strict=True):
        total = total + utility * model.double()
        vector = vector + (model.double() - base.double())
    expected = {
        Average(2.0, utilities): total / (2.0 + sum(utilities)),
        TaskArithmetic(0.7): head.double() + 0.7 * vector,
    }
    for method, values in expected.items():
        weights, _, _ = run(method, {"w": base}, {"w": head}, [{"w": model} for model in models])
        assert torch.equal(weights["w"], rounded(values, dtype))
    for number in range(count):
        broken = [model.clone() for model in models]
        broken[number][4000] = float("nan")
        for method in expected:
            with pytest.raises(NotFinite, match="w of the checkpoint"):
                run(method, {"w": base}, {"w": head}, [{"w": model} for model in broken])
