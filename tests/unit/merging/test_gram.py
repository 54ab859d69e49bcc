"""The Gram family: each method against its definition in dense float64, and as a function of sums."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from merging.actmat import actmat
from merging.aswudi import aswudi
from merging.gram import GramMerge
from merging.matrices import matrix_view
from merging.sums import AddedState, MomentsTooLarge
from merging.swudi import swudi
from merging.tact import tact
from merging.wudi import wudi
from tests.unit.merging.streams import Held, State, run

Make = Callable[..., GramMerge]
METHODS: dict[str, Make] = {"wudi": wudi, "swudi": swudi, "aswudi": aswudi, "actmat": actmat, "tact": tact}
NORMALISED = ["wudi", "swudi", "aswudi"]
Dense = NDArray[np.float64]
Parts = Mapping[str, State]


def network(seed: int, dtype: torch.dtype = torch.float64) -> State:
    """A base with one of each kind of tensor."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        "attn.in_proj_weight": (18, 6),
        "fc.weight": (7, 12),
        "wide.weight": (20, 5),
        "conv.weight": (6, 2, 3, 1),
        "proj": (8, 5),
        "norm.weight": (9,),
        "positional_embedding": (4, 6),
    }
    result = {name: torch.randn(*shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}
    return {name: tensor.to(dtype) for name, tensor in result.items()}


def tuned(base: State, seed: int, distance: float = 0.01) -> State:
    """A fine-tuned network whose changes have spectra that fall, as those of real ones do."""
    generator = torch.Generator().manual_seed(1000 + seed)
    result = {}
    for name, tensor in base.items():
        flat = tensor.double().reshape(tensor.shape[0], -1)
        size = min(flat.shape)
        left, right = (
            torch.randn(side, size, generator=generator, dtype=torch.float64) for side in (flat.shape[0], flat.shape[1])
        )
        change = left @ torch.diag(0.6 ** torch.arange(size, dtype=torch.float64)) @ right.T
        result[name] = (flat + distance * change).reshape(tensor.shape).to(tensor.dtype)
    return result


def merged(make: Make, base: State, tasks: Sequence[State], **options: Any) -> tuple[State, Parts]:
    """All at once."""
    weights = options.pop("weights", (1.0,) * len(tasks))
    weighted, parts, missing = run(make(weights, **options), base, base, tasks)
    assert missing == []
    return weighted, parts


def resumed(make: Make, base: State, state: Parts, tasks: Sequence[State], *weights: float) -> tuple[State, Parts]:
    """On from a state."""
    result, parts, _ = run(make(weights), base, base, tasks, state)
    return result, parts


def definition(method: str, taus: Sequence[Dense], weights: Sequence[float]) -> Dense:
    """The merged update of one matrix, as the sources write it."""
    gram, cross = np.zeros((taus[0].shape[1],) * 2), np.zeros_like(taus[0])
    for tau, weight in zip(taus, weights, strict=True):
        proxy = tau
        if method == "tact":
            limit = np.sort(np.abs(tau).reshape(-1))[tau.size - max(1, round(tau.size / 2))]
            proxy = np.where(np.abs(tau) >= limit, tau, 0.0)
        term = weight * proxy.T @ proxy / (np.linalg.norm(tau) ** 2 if method in NORMALISED else 1.0)
        gram += term
        cross += tau @ term
    mean = sum(weights) / len(taus)
    start = sum(weight / mean * tau for tau, weight in zip(taus, weights, strict=True))
    if method == "wudi":
        return cross @ np.linalg.pinv(gram, rcond=1e-6, hermitian=True)
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1], vectors[:, ::-1]
    unit = np.trace(gram) / len(taus)
    floored = np.maximum(values / unit, 1e-8)
    if method == "swudi":
        h = (1 - np.exp(-1300 * floored)) * (np.arange(values.size) < math.ceil(0.65 * values.size))
    else:
        h = np.arange(values.size) < math.ceil(np.sum(np.sqrt(floored)) ** 2 / np.sum(floored))
    return start + (cross - start @ gram) @ vectors @ np.diag(h / floored / unit) @ vectors.T


def expected(method: str, base: State, tasks: Sequence[State], weights: Sequence[float], scale: float = 1.0) -> State:
    """The whole network by the definition."""
    result = {}
    for name, tensor in base.items():
        view = matrix_view(name, tuple(tensor.shape), "F64")
        taus = [(task[name].double() - tensor.double()).numpy() for task in tasks]
        if view is None:
            update = sum(weight * tau for weight, tau in zip(weights, taus, strict=True)) / sum(weights)
        else:
            blocks = [
                [view.apply(np.ascontiguousarray(tau).reshape(-1))[block] for tau in taus]
                for block in range(view.blocks)
            ]
            update = np.empty(tensor.shape)
            for block, matrices in enumerate(blocks):
                view.apply(update.reshape(-1))[block] = scale * definition(method, matrices, weights)
        result[name] = tensor.double() + torch.from_numpy(np.asarray(update))
    return result


def distance(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor], base: State) -> float:
    """The largest difference of two merges, relative to the largest update of its tensor."""
    assert one.keys() == other.keys()
    return max(
        float((one[name].double() - other[name].double()).abs().max() / (other[name].double() - base[name]).abs().max())
        for name in one
    )


def same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (2.0, 0.5, 1.0)], ids=["equal", "utilities"])
@pytest.mark.parametrize("method", METHODS)
def test_it_is_its_definition(method: str, weights: tuple[float, ...]) -> None:
    base = network(0)
    tasks = [tuned(base, seed) for seed in range(3)]
    result, _ = merged(METHODS[method], base, tasks, weights=weights)
    assert distance(result, expected(method, base, tasks, weights), base) < 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_the_scale_multiplies_matrices_alone(method: str) -> None:
    base = network(0)
    tasks = [tuned(base, seed) for seed in range(2)]
    result, _ = merged(METHODS[method], base, tasks, scale=1.3)
    assert distance(result, expected(method, base, tasks, (1.0, 1.0), 1.3), base) < 1e-9


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_the_first_checkpoint_is_kept_unchanged(method: str, dtype: torch.dtype) -> None:
    base = network(0, dtype)
    task = tuned(base, 1, 0.1)
    result, _ = merged(METHODS[method], base, [task], scale=1.3)
    assert same(result, task)


@settings(max_examples=25, deadline=None)
@given(
    method=st.sampled_from(sorted(METHODS)),
    order=st.permutations(range(4)),
    cuts=st.sets(st.integers(1, 3)),
    utilities=st.lists(st.sampled_from([1.0, 0.3, 2.5]), min_size=4, max_size=4) | st.just([1.0] * 4),
    dtype=st.sampled_from([torch.float64, torch.float32]),
)
def test_any_order_and_any_split_give_the_joint_result(
    method: str, order: list[int], cuts: set[int], utilities: list[float], dtype: torch.dtype
) -> None:
    make, base = METHODS[method], network(0, dtype)
    tasks = [tuned(base, seed) for seed in range(4)]
    joint, _ = merged(make, base, tasks, weights=tuple(utilities))
    state: Parts = {}
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 4], strict=True):
        some = order[start:stop]
        result, state = resumed(make, base, state, [tasks[i] for i in some], *(utilities[i] for i in some))
    if dtype is torch.float64:
        assert distance(result, joint, base) < 1e-10
    elif method in NORMALISED and set(utilities) == {1.0}:
        assert same(result, joint)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("method", NORMALISED)
def test_every_order_gives_the_same_bits_of_state_and_weights(method: str, dtype: torch.dtype) -> None:
    make, base = METHODS[method], network(0, dtype)
    tasks = [tuned(base, seed) for seed in range(4)]
    joint, sums = merged(make, base, tasks)
    state: Parts = {}
    for index in (2, 0, 3, 1):
        result, state = resumed(make, base, state, [tasks[index]], 1.0)
    assert same(result, joint)
    assert all(same(state[part], sums[part]) for part in sums)


@settings(max_examples=15, deadline=None)
@given(
    method=st.sampled_from(sorted(METHODS)),
    out=st.integers(0, 3),
    utility=st.sampled_from([1.0, 0.1]),
    dtype=st.sampled_from([torch.float64, torch.float32]),
)
def test_a_removed_task_leaves_no_trace(method: str, out: int, utility: float, dtype: torch.dtype) -> None:
    make, base = METHODS[method], network(0, dtype)
    tasks = [tuned(base, seed) for seed in range(4)]
    utilities = tuple(utility if index == out else 1.0 for index in range(4))
    _, state = merged(make, base, tasks, weights=utilities)
    result, parts = resumed(make, base, state, [tasks[out]], -utility)
    rest, sums = merged(make, base, [task for index, task in enumerate(tasks) if index != out])
    if dtype is torch.float64:
        assert distance(result, rest, base) < 1e-10
    elif method in NORMALISED and utility == 1.0:
        assert same(result, rest)
        assert all(same(parts[part], sums[part]) for part in sums)


@pytest.mark.parametrize("method", METHODS)
def test_without_its_last_task_it_is_the_base(method: str) -> None:
    make, base = METHODS[method], network(0, torch.float32)
    tasks = [tuned(base, seed) for seed in range(2)]
    state: Parts = {}
    for task, weight in zip([*tasks, *tasks], (0.3, 0.7, -0.3, -0.7), strict=True):
        result, state = resumed(make, base, state, [task], weight)
    assert same(result, base)
    assert not any(tensor.any() for part in state.values() for tensor in part.values())
    with pytest.raises(ValueError, match="fewer tasks in its sums"):
        resumed(make, base, state, [tasks[0]], -1.0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_states_of_one_base_add(method: str, dtype: torch.dtype) -> None:
    make, base = METHODS[method], network(0, dtype)
    tasks = [tuned(base, seed) for seed in range(5)]
    (_, one), (_, other) = merged(make, base, tasks[:2]), merged(make, base, tasks[2:4])
    added = {
        part: {
            name: torch.from_numpy(AddedState([Held(one[part]), Held(other[part])]).tensor(name).matrix)
            for name in one[part]
        }
        for part in one
    }
    result, _ = resumed(make, base, added, [tasks[4]], 1.0)
    joint, _ = merged(make, base, tasks)
    if dtype is torch.float64:
        assert distance(result, joint, base) < 1e-10
    elif method in NORMALISED:
        assert same(result, joint)


def test_the_wudi_state_serves_three_methods() -> None:
    base = network(0)
    tasks = [tuned(base, seed) for seed in range(3)]
    _, state = merged(wudi, base, tasks[:2])
    for method in NORMALISED:
        result, _ = resumed(METHODS[method], base, state, [tasks[2]], 1.0)
        assert same(result, merged(METHODS[method], base, tasks)[0])


def test_the_state_has_its_declared_size_for_any_number_of_tasks() -> None:
    base = network(0)
    _, one = merged(aswudi, base, [tuned(base, 0)])
    _, four = merged(aswudi, base, [tuned(base, seed) for seed in range(4)])
    assert one["gram"].keys() == four["gram"].keys() == one["cross"].keys()
    assert "norm.weight" not in one["gram"]
    assert four["gram"]["attn.in_proj_weight"].shape == (3, 21)
    assert four["cross"]["attn.in_proj_weight"].shape == (3, 6, 6)
    assert four["cross"]["proj"].shape == (1, 5, 8), "stored as in × out"
    assert four["count"]["fc.weight"].tolist() == [4.0, 4.0]


def test_a_task_that_leaves_a_matrix_alone_adds_nothing_to_it() -> None:
    base = network(0)
    tasks = [tuned(base, seed) for seed in range(3)]
    tasks[1]["fc.weight"] = base["fc.weight"]
    result, _ = merged(aswudi, base, tasks)
    assert torch.isfinite(result["fc.weight"]).all()
    nothing, _ = merged(aswudi, base, [base, base])
    assert same(nothing, base)


def test_a_missing_tensor_is_merged_from_the_other_checkpoints() -> None:
    base = network(0)
    tasks = [tuned(base, seed) for seed in range(3)]
    full, _ = merged(aswudi, base, tasks[:2])
    del tasks[2]["fc.weight"]
    _, state = merged(aswudi, base, tasks[:2])
    result, parts, missing = run(aswudi((1.0,)), base, base, tasks[2:], state)
    assert missing == ["fc.weight"]
    assert torch.equal(result["fc.weight"], full["fc.weight"])
    assert parts["count"]["fc.weight"].tolist() == [2.0, 2.0]


def test_a_matrix_too_large_is_refused_with_its_size_and_the_setting() -> None:
    base = network(0)
    method = aswudi((1.0,), max_moment_bytes=8 * 12 * 19 - 1)
    with pytest.raises(MomentsTooLarge, match=r'fc\.weight, a 7 × 12 matrix, take 1824 bytes, but "max_moment_bytes"'):
        run(method, base, base, [tuned(base, 1)])
    run(aswudi((1.0,), max_moment_bytes=8 * 12 * 19), base, base, [tuned(base, 1)])


def test_a_damaged_state_is_refused() -> None:
    base = network(0)
    tasks = [tuned(base, seed) for seed in range(2)]
    _, state = merged(aswudi, base, tasks[:1])
    lacking = {part: dict(tensors) for part, tensors in state.items()}
    del lacking["gram"]["fc.weight"]
    with pytest.raises(ValueError, match=r"the state's gram lacks the tensor fc\.weight"):
        resumed(aswudi, base, lacking, tasks[1:], 1.0)
    wrong = {part: dict(tensors) for part, tensors in state.items()}
    wrong["cross"]["fc.weight"] = torch.zeros(1, 7, 11, dtype=torch.float64)
    with pytest.raises(
        ValueError, match=r"fc\.weight has shape \(1, 7, 11\) in the state's cross, expected \(1, 7, 12\)"
    ):
        resumed(aswudi, base, wrong, tasks[1:], 1.0)
    wrong["cross"]["fc.weight"] = torch.full((1, 7, 12), math.nan, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"The tensor fc\.weight of the state's cross has values that are not finite"):
        resumed(aswudi, base, wrong, tasks[1:], 1.0)
