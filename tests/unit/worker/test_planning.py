"""Every data-free method by its recipe alone: from a base, from its own state, from a head that is a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest
import torch

from merging.recipes import RECIPES
from merging.streaming import WEIGHTS, merge
from registry.errors import MethodUnavailable
from tests.unit.merging.streams import Held, State, draw, nearby, run
from worker.planning import PLANNERS, Plan, PlanRequest, plan
from worker.planning_states import STATE_CONTENTS, HeadState

STATEFUL = sorted(PLANNERS.keys() - {"average", "linear", "task_arithmetic", "slerp", "dare", "nufilt"})
JOINT = sorted(set(STATEFUL) - {"opcm", "iso_cts", "consensus", "pcb", "della"})
"""Methods whose result does not depend on when a checkpoint came; not DELLA, which takes such a head whole."""

BASE: State = {
    "block.weight": draw(1, 18, 12, dtype=torch.float64, spread=0.5),
    "attn.in_proj_weight": draw(2, 24, 8, dtype=torch.float64, spread=0.5),
    "block.bias": draw(3, 18, dtype=torch.float64, spread=0.5),
}
MODELS = [{name: nearby(nearby(value, 5), 10 * number + 7) for name, value in BASE.items()} for number in range(3)]
"""Task vectors that share a part."""


def _plan(
    method: str,
    head: State,
    number: int,
    state: HeadState,
    scratch: Path,
    fields: Mapping[str, object] = MappingProxyType({}),
) -> Plan:
    return plan(
        PlanRequest(
            recipe={"method": method, **fields},
            base=Held(BASE),
            head=Held(head),
            checkpoint=Held(MODELS[number]),
            task=f"task{number}",
            utility=1.0,
            scratch=scratch,
            state=state,
            earlier={f"task{earlier}": 1.0 for earlier in range(number)},
        )
    )


@dataclass(frozen=True)
class _Version:
    """What a merge leaves."""

    weights: State
    parts: Mapping[str, State] = field(default_factory=dict)
    head: HeadState = field(default_factory=HeadState)


def _merge(method: str, before: _Version, number: int, scratch: Path) -> _Version:
    made = _plan(method, before.weights, number, before.head, scratch)
    incoming = [before.weights, MODELS[number]][-len(made.inputs.incoming) :]
    weights, parts, _ = run(made.method, BASE, before.weights, incoming, before.parts or None)
    files = {part: Held(tensors) for part, tensors in parts.items()}
    head = HeadState(tasks=number + 1, family=made.family, parts=lambda: files, scalars=made.scalars())
    return _Version(weights, parts, head)


@pytest.mark.parametrize("method", PLANNERS)
def test_three_merges_in_a_row(method: str, tmp_path: Path) -> None:
    version = _Version(BASE)
    for number in range(3):
        version = _merge(method, version, number, tmp_path)
        assert all(torch.isfinite(value).all() for value in version.weights.values())
        assert version.head.family is None or version.head.family in STATE_CONTENTS
    assert any(not torch.equal(version.weights[name], BASE[name]) for name in BASE)


@pytest.mark.parametrize("method", JOINT)
def test_a_head_that_is_one_checkpoint_counts_as_merged_by_this_method(method: str, tmp_path: Path) -> None:
    expected = _merge(method, _merge(method, _Version(BASE), 0, tmp_path), 1, tmp_path)
    single = _Version(MODELS[0], head=HeadState(tasks=1, single_checkpoint=True))
    derived = _merge(method, single, 1, tmp_path)
    for name, value in expected.weights.items():
        torch.testing.assert_close(derived.weights[name], value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", STATEFUL)
def test_a_head_without_the_state_is_refused_with_the_missing_state(method: str, tmp_path: Path) -> None:
    state = HeadState(tasks=2, family="other", description="weights@2")
    with pytest.raises(MethodUnavailable, match=r"needs .* of every task so far, which weights@2 does not have"):
        _plan(method, MODELS[0], 2, state, tmp_path)


def test_every_recipe_without_a_network_has_a_planner() -> None:
    assert {name for name, recipe in RECIPES.items() if not recipe.needs_network} == set(PLANNERS)


@pytest.mark.parametrize(
    ("method", "fields"), [("breadcrumbs", {"gamma": 0.05}), ("localize_and_stitch", {"density": 0.3})]
)
def test_other_masks_than_those_of_the_state_are_refused(
    method: str, fields: Mapping[str, float], tmp_path: Path
) -> None:
    version = _merge(method, _Version(BASE), 0, tmp_path)
    name, value = next(iter(fields.items()))
    with pytest.raises(
        MethodUnavailable, match=rf"has {name} .*, which all its merges share; the recipe has {value:g}"
    ):
        _plan(method, version.weights, 1, version.head, tmp_path, fields)


SUMS = sorted(name for name, recipe in RECIPES.items() if recipe.takes_tasks_out)


@pytest.mark.parametrize("method", SUMS)
def test_a_joined_state_gives_the_weights_of_all_tasks(method: str, tmp_path: Path) -> None:
    expected = _merge(method, _merge(method, _Version(BASE), 0, tmp_path), 1, tmp_path)
    one, other = (_merge(method, _Version(BASE), number, tmp_path) for number in (0, 1))
    single = HeadState(tasks=1, single_checkpoint=True)
    for weights, head in ((one.weights, one.head), (MODELS[0], single)):
        request = PlanRequest(
            recipe={"method": method},
            base=Held(BASE),
            head=Held(weights),
            checkpoint=Held(other.weights),
            task="task1",
            utility=1.0,
            scratch=tmp_path,
            state=head,
            earlier={"task0": 1.0},
            joined=other.head,
        )
        merged = _weights(plan(request))
        for name, value in expected.weights.items():
            torch.testing.assert_close(merged[name], value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("method", "other"), [("aswudi", "tact"), ("tact", "aswudi"), ("average", "average")])
def test_states_that_cannot_be_added_are_refused(method: str, other: str, tmp_path: Path) -> None:
    one, two = _merge(method, _Version(BASE), 0, tmp_path), _merge(other, _Version(BASE), 1, tmp_path)
    two = _merge(other, two, 2, tmp_path)
    with pytest.raises(MethodUnavailable):
        plan(
            PlanRequest(
                recipe={"method": method},
                base=Held(BASE),
                head=Held(one.weights),
                checkpoint=Held(two.weights),
                task="task2",
                utility=1.0,
                scratch=tmp_path,
                state=one.head,
                earlier={"task0": 1.0},
                joined=two.head,
            )
        )


def _weights(made: Plan) -> State:
    """Run a plan; returns the weights."""
    sinks: dict[str, list[bytes]] = {}
    merge(made.inputs, made.method, lambda sink, chunk: sinks.setdefault(sink, []).append(chunk.tobytes()))
    data, result, position = b"".join(sinks[WEIGHTS]), {}, 0
    for name, tensor in BASE.items():
        flat = torch.frombuffer(bytearray(data), dtype=tensor.dtype, count=tensor.numel(), offset=position)
        result[name] = flat.reshape(tensor.shape)
        position += tensor.numel() * tensor.element_size()
    return result


@pytest.mark.parametrize(
    ("before", "method"),
    [
        ("aswudi", "wudi"),
        ("wudi", "swudi"),
        ("swudi", "aswudi"),
        ("dop", "actmat"),
        ("tsv_m", "dc_merge"),
        *((other, "iso_c") for other in ("aswudi", "actmat", "tact", "dop", "tsv_m")),
    ],
)
def test_a_method_continues_from_the_state_of_another_that_holds_its_sums(
    before: str, method: str, tmp_path: Path
) -> None:
    changed = expected = _Version(BASE)
    for number in range(3):
        changed = _merge(before if number < 2 else method, changed, number, tmp_path)
        expected = _merge(method, expected, number, tmp_path)
    for name, value in expected.weights.items():
        torch.testing.assert_close(changed.weights[name], value, rtol=1e-9, atol=1e-9)
