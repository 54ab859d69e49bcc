"""Methods whose state determines the joint result: one at a time, in any order, in any split, out again, joined."""

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.breadcrumbs import Breadcrumbs
from merging.consensus import Consensus
from merging.dc_merge import DcMerge
from merging.della import Della, keep_probabilities
from merging.emr import Emr
from merging.iso_c import IsoC
from merging.localize_and_stitch import LocalizeAndStitch
from merging.model_stock import ModelStock
from merging.nufilt import NuFilt
from merging.pcb import Pcb
from merging.streaming import CHUNK, AnyMethod, NotFinite
from merging.tsv_m import TsvM
from tests.unit.merging.streams import State, draw, nearby, run

Maker = Callable[[int, list[str]], AnyMethod]
"""(task vectors after this merge, labels of the incoming checkpoints) -> the method."""


def _ones(labels: list[str]) -> tuple[float, ...]:
    return (1.0,) * len(labels)


EXACT: Mapping[str, Maker] = {
    "iso_c": lambda _tasks, labels: IsoC(_ones(labels)),
    "tsv_m": lambda _tasks, labels: TsvM(_ones(labels)),
    "dc_merge": lambda _tasks, labels: DcMerge(_ones(labels), density=0.05),
    "emr": lambda _tasks, _: Emr(0.5),
    "breadcrumbs": lambda _tasks, _: Breadcrumbs(density=0.4, gamma=0.05, scaling=0.3),
    "della": lambda _tasks, labels: Della(density=0.5, epsilon=0.15, scaling=1.0, seed=3, labels=labels),
    "model_stock": lambda tasks, _: ModelStock(tasks),
    "localize_and_stitch": lambda _tasks, _: LocalizeAndStitch(density=0.3),
}

SUMS: Mapping[str, Callable[[int, int], AnyMethod]] = {
    "iso_c": lambda _tasks, incoming: IsoC((-1.0,) if incoming < 0 else (1.0,) * incoming),
    "breadcrumbs": lambda _tasks, incoming: Breadcrumbs(density=0.4, gamma=0.05, scaling=0.3, remove=incoming < 0),
    "model_stock": lambda tasks, incoming: ModelStock(tasks, remove=incoming < 0),
    "localize_and_stitch": lambda _tasks, incoming: LocalizeAndStitch(density=0.3, remove=incoming < 0),
}
"""Methods whose state is sums: (task vectors after this merge, incoming ones, −1 to take one out) -> the method."""


def _network(seed: int, tasks: int, dtype: torch.dtype = torch.float64) -> tuple[State, list[State]]:
    """A linear layer, packed projections, a convolution, a bias and an embedding table, and fine-tuned ones."""
    shapes = {
        "fc.weight": (14, 11),
        "attn.in_proj_weight": (24, 9),
        "conv.weight": (10, 3, 2, 2),
        "fc.bias": (14,),
        "token_embedding.weight": (7, 8),
    }
    base = {name: draw(seed + n, *shape, dtype=dtype, spread=0.5) for n, (name, shape) in enumerate(shapes.items())}
    models = []
    for task in range(tasks):
        changed = {name: nearby(value, seed + 100 * task + n) for n, (name, value) in enumerate(base.items())}
        models.append(changed)
    return base, models


def _merge_in_groups(make: Maker, base: State, models: list[State], groups: list[list[int]]) -> State:
    head, parts, done = base, None, 0
    for group in groups:
        done += len(group)
        method = make(done, [f"task {n}" for n in group])
        head, parts, _ = run(method, base, head, [models[n] for n in group], parts)
    return head


def _assert_same(one: State, other: State, base: State, tolerance: float = 1e-10) -> None:
    for name, value in one.items():
        change = (other[name].double() - base[name].double()).norm()
        assert (value.double() - other[name].double()).norm() <= tolerance * change, name


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 5_000), order=st.permutations(range(4)), cuts=st.sets(st.integers(1, 3)))
def test_any_order_and_any_split_equal_all_at_once(name: str, seed: int, order: list[int], cuts: set[int]) -> None:
    base, models = _network(seed, 4)
    edges = [0, *sorted(cuts), 4]
    groups = [list(order[start:stop]) for start, stop in pairwise(edges)]
    together = _merge_in_groups(EXACT[name], base, models, [[0, 1, 2, 3]])
    _assert_same(_merge_in_groups(EXACT[name], base, models, groups), together, base)


@pytest.mark.parametrize("name", ["emr", "breadcrumbs", "della", "localize_and_stitch"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sums_of_short_floats_give_the_same_bits_in_any_order(name: str, dtype: torch.dtype) -> None:
    """Values of one magnitude: their sums are exact in float64."""
    base, models = _network(7, 4, dtype)
    together = _merge_in_groups(EXACT[name], base, models, [[0, 1, 2, 3]])
    apart = _merge_in_groups(EXACT[name], base, models, [[2], [0], [3], [1]])
    assert all(torch.equal(value, together[tensor]) for tensor, value in apart.items())


@pytest.mark.parametrize("name", SUMS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 5_000), out=st.integers(0, 3))
def test_removing_a_task_equals_never_merging_it(name: str, seed: int, out: int) -> None:
    base, models = _network(seed, 4)
    make = SUMS[name]
    head, parts, _ = run(make(4, 4), base, base, models)
    without, _, _ = run(make(3, -1), base, head, [models[out]], parts)
    rest = [model for n, model in enumerate(models) if n != out]
    _assert_same(without, run(make(3, 3), base, base, rest)[0], base)


@pytest.mark.parametrize("name", SUMS)
def test_states_of_two_lineages_add_up(name: str) -> None:
    base, models = _network(5, 4)
    make = SUMS[name]
    _, first, _ = run(make(2, 2), base, base, models[:2])
    _, second, _ = run(make(2, 2), base, base, models[2:])
    both = {part: {key: value + second[part][key] for key, value in result.items()} for part, result in first.items()}
    joined, _, _ = run(make(4, 0), base, base, [], both)
    if name in {"iso_c", "model_stock"}:
        _assert_same(joined, run(make(4, 4), base, base, models)[0], base)
    _, parts, _ = run(make(4, 4), base, base, models)
    for part, result in parts.items():
        for key, value in result.items():
            np.testing.assert_allclose(both[part][key].numpy(), value.numpy(), rtol=1e-10, atol=1e-12)


def test_the_store_of_triples_keeps_its_size() -> None:
    base, models = _network(3, 4)
    head, parts = base, None
    sizes = set()
    for model in models:
        head, parts, _ = run(TsvM((1.0,)), base, head, [model], parts)
        sizes.add(sum(value.numel() for result in parts.values() for value in result.values()))
    assert len(sizes) == 1


def test_a_matrix_of_smaller_rank_than_there_are_tasks_is_averaged() -> None:
    base = {"fc.weight": draw(1, 2, 9, dtype=torch.float64, spread=0.5)}
    models = [{"fc.weight": nearby(base["fc.weight"], seed)} for seed in (2, 3, 4)]
    head = _merge_in_groups(EXACT["tsv_m"], base, models, [[0], [1], [2]])
    mean = {"fc.weight": sum(model["fc.weight"] for model in models) / 3}
    _assert_same(head, mean, base)


@pytest.mark.parametrize("name", ["iso_c", "tsv_m", "dc_merge"])
def test_two_copies_of_a_checkpoint_merge_without_arbitrary_directions(name: str) -> None:
    """Twice the same singular vectors are linearly dependent; what is left is that checkpoint's own subspace."""
    base, models = _network(9, 1)
    make = EXACT[name]
    head = _merge_in_groups(make, base, [models[0], models[0]], [[0], [1]])
    again = _merge_in_groups(make, base, [models[0], models[0]], [[0, 1]])
    _assert_same(head, again, base)
    assert all(torch.isfinite(value).all() for value in head.values())


def test_one_checkpoint_alone_is_the_result_of_tsv_m_and_model_stock() -> None:
    base, models = _network(2, 1)
    for make in (EXACT["tsv_m"], EXACT["model_stock"]):
        _assert_same(_merge_in_groups(make, base, models, [[0]]), models[0], base, 1e-9)


def test_nufilt_leaves_the_protected_directions_of_the_merged_update_alone() -> None:
    base, models = _network(4, 2)
    first, _, _ = run(NuFilt(before=0, rank=3), base, base, models[:1])
    _assert_same(first, models[0], base)
    second, _, _ = run(NuFilt(before=1, rank=3), base, first, models[1:])
    update = (first["fc.weight"] - base["fc.weight"]).numpy()
    leading = np.linalg.svd(update)[2][:3].T
    added = (second["fc.weight"] - first["fc.weight"]).numpy()
    np.testing.assert_allclose(added @ leading, 0.0, atol=1e-12)
    assert np.linalg.norm(added) > 0.1 * np.linalg.norm(update)
    _assert_same({"fc.bias": second["fc.bias"]}, {"fc.bias": (models[0]["fc.bias"] + models[1]["fc.bias"]) / 2}, base)


@pytest.mark.parametrize("name", ["consensus", "pcb"])
def test_the_approximations_differ_from_the_joint_result_but_agree_on_the_sum(name: str) -> None:
    def make(tasks: int) -> AnyMethod:
        if name == "pcb":
            return Pcb(tasks, density=0.2, scaling=1.0)
        return Consensus(tasks, threshold=2, mask_scale=0.4, scaling=1.0)

    base, models = _network(6, 3)
    head, parts = base, None
    for tasks, model in enumerate(models, 1):
        head, parts, _ = run(make(tasks), base, head, [model], parts)
    joint, whole, _ = run(make(3), base, base, models)
    np.testing.assert_allclose(parts["sum"]["fc.weight"].numpy(), whole["sum"]["fc.weight"].numpy(), rtol=1e-12)
    assert not torch.equal(head["fc.weight"], joint["fc.weight"])


@pytest.mark.parametrize("name", sorted(EXACT.keys() - {"della"}))
def test_large_tensors_are_merged_chunk_by_chunk(name: str) -> None:
    base = {"token_embedding.weight": draw(1, CHUNK // 32 + 3, 33, spread=0.5)}
    models = [{name: nearby(value, seed) for name, value in base.items()} for seed in (2, 3)]
    together = _merge_in_groups(EXACT[name], base, models, [[0, 1]])
    apart = _merge_in_groups(EXACT[name], base, models, [[1], [0]])
    assert all(torch.isfinite(value).all() for value in apart.values())
    _assert_same(apart, together, base, 1e-7)


def test_della_ranks_whole_rows_where_the_edge_of_a_chunk_cuts_one() -> None:
    base = {"token_embedding.weight": torch.zeros(CHUNK // 32 + 3, 33, dtype=torch.float64)}
    model = {"token_embedding.weight": draw(2, CHUNK // 32 + 3, 33, dtype=torch.float64, spread=0.5)}
    merged, _, _ = run(EXACT["della"](1, ["a"]), base, base, [model])
    tau = model["token_embedding.weight"].numpy()
    probabilities = keep_probabilities(tau, density=0.5, epsilon=0.15)
    result = merged["token_embedding.weight"].numpy()
    kept = result != 0
    np.testing.assert_allclose(result[kept], (tau / probabilities)[kept], rtol=1e-12)
    np.testing.assert_allclose(kept.mean(), 0.5, atol=0.01)


@pytest.mark.parametrize("name", EXACT)
def test_values_that_are_not_finite_are_refused(name: str) -> None:
    base, models = _network(1, 1)
    models[0]["fc.weight"][0, 0] = torch.nan
    with pytest.raises(NotFinite, match=r"fc.weight"):
        run(EXACT[name](1, ["a"]), base, base, models)


@pytest.mark.parametrize("name", EXACT)
def test_a_tensor_that_a_checkpoint_lacks_counts_as_unchanged_or_not_at_all(name: str) -> None:
    """Methods that solve matrices merge each tensor of the tasks that have it."""
    base, models = _network(8, 3)
    partial = [*models[:2], {key: value for key, value in models[2].items() if key != "fc.weight"}]
    if name in {"iso_c", "tsv_m", "dc_merge"}:
        without = _merge_in_groups(EXACT[name], base, models, [[0, 1]])
        expected = _merge_in_groups(EXACT[name], base, models, [[0, 1, 2]]) | {"fc.weight": without["fc.weight"]}
    else:
        whole = [*models[:2], models[2] | {"fc.weight": base["fc.weight"]}]
        expected = _merge_in_groups(EXACT[name], base, whole, [[0], [1], [2]])
    _assert_same(_merge_in_groups(EXACT[name], base, partial, [[0, 1, 2]]), expected, base)


def test_iso_c_continues_from_the_sums_of_other_methods() -> None:
    base, models = _network(2, 3)
    head, parts, _ = run(TsvM((1.0, 1.0)), base, base, models[:2])
    sums = {part: parts[part] for part in ("count", "sum")}
    merged, _, _ = run(IsoC((1.0,)), base, head, models[2:], sums)
    _assert_same(merged, _merge_in_groups(EXACT["iso_c"], base, models, [[0, 1, 2]]), base)


def test_truncated_triples_give_no_task_back() -> None:
    base, models = _network(2, 2)
    head, parts, _ = run(TsvM((1.0, 1.0)), base, base, models)
    with pytest.raises(ValueError, match="taken out"):
        run(TsvM((-1.0,)), base, head, models[:1], parts)


def test_a_damaged_state_is_refused_with_its_part_and_tensor() -> None:
    base, models = _network(2, 2)
    head, parts, _ = run(TsvM((1.0,)), base, base, models[:1])
    broken = {part: dict(tensors) for part, tensors in parts.items()}
    broken["left_vectors"]["fc.weight"] = parts["left_vectors"]["fc.weight"] * torch.nan
    with pytest.raises(NotFinite, match=r"fc.weight of the state's left_vectors"):
        run(TsvM((1.0,)), base, head, models[1:], broken)
    broken["left_vectors"]["fc.weight"] = parts["left_vectors"]["fc.weight"][:, :-1]
    with pytest.raises(ValueError, match=r"fc.weight has shape .* in the state's left_vectors"):
        run(TsvM((1.0,)), base, head, models[1:], broken)
    del broken["left_vectors"]["fc.weight"]
    with pytest.raises(ValueError, match=r"left_vectors lacks the tensor fc.weight"):
        run(TsvM((1.0,)), base, head, models[1:], broken)


def test_breadcrumbs_without_outliers_keep_the_largest_entries() -> None:
    base, models = _network(3, 1)
    merged, _, _ = run(Breadcrumbs(density=0.25, gamma=0.0, scaling=1.0), base, base, models)
    tau = models[0]["fc.weight"] - base["fc.weight"]
    kept = tau.abs() >= tau.abs().flatten().sort().values[-int(0.25 * tau.numel())]
    torch.testing.assert_close(merged["fc.weight"] - base["fc.weight"], torch.where(kept, tau, 0.0))
