"""What holds for every merge along a path, seen from the facade."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from merging.ode import Cancelled, OdeConfig, Step, TaskData, merge
from tests.unit.merging.golden import DEVICES
from tests.unit.merging.small import NORMALISATION, PATH, difference, parameters, run, tasks, tower

RECTIFIERS = ["per_task", "aggregate", "none"]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("integrator", ["adaptive", "euler", "adams"])
def test_without_rectification_the_result_is_the_running_average(integrator: str, device: str) -> None:
    outcome = run(tasks(3), rectifier="none", integrator=integrator, step_size=0.03, device=device)
    before, incoming = parameters(0), parameters(1)
    average = {name: before[name] + (incoming[name] - before[name]) / 3 for name in before}
    assert difference(outcome, average) <= 1e-6
    assert outcome.report.operating_time == pytest.approx(1 / 3)


def test_utilities_and_the_base_utility_set_the_operating_time() -> None:
    outcome = run(tasks(2, utilities=[1.0, 3.0]), base_utility=2.0, rectifier="none")
    before, incoming = parameters(0), parameters(1)
    halfway = {name: (before[name] + incoming[name]) / 2 for name in before}
    assert outcome.report.operating_time == pytest.approx(0.5)
    assert difference(outcome, halfway) <= 1e-6


def test_the_path_to_a_joint_endpoint_ends_at_1_unless_the_recipe_sets_a_time() -> None:
    outcome = run(tasks(3), rectifier="none", endpoint="joint")
    assert outcome.report.operating_time == 1.0
    assert difference(outcome, parameters(1)) <= 1e-6
    halfway = run(tasks(3), rectifier="none", endpoint="joint", operating_time=0.5)
    assert halfway.report.operating_time == 0.5


@pytest.mark.parametrize("rectifier", RECTIFIERS)
def test_the_first_task_of_a_base_without_utility_is_kept_unchanged(rectifier: str) -> None:
    outcome = run(tasks(1), rectifier=rectifier)
    assert outcome.report.steps == []
    assert all(torch.equal(value, parameters(1)[name]) for name, value in outcome.parameters.items())


@pytest.mark.parametrize("rectifier", RECTIFIERS)
def test_a_base_utility_keeps_the_first_task_from_taking_all(rectifier: str) -> None:
    outcome = run(tasks(1), rectifier=rectifier, base_utility=1.0)
    assert outcome.report.operating_time == 0.5
    assert difference(outcome, parameters(1)) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "recipe", [{}, {"rectifier": "aggregate"}, {"preset": "released", "batch_size": 8, "step_size": 0.05}]
)
def test_the_result_does_not_depend_on_the_micro_batch(recipe: dict[str, Any], device: str) -> None:
    whole = run(tasks(4), micro_batch=1000, device=device, **recipe)
    for micro_batch in (1, 7):
        assert difference(run(tasks(4), micro_batch=micro_batch, device=device, **recipe), whole) <= 2e-6


@pytest.mark.parametrize("recipe", [{}, {"rectifier": "aggregate"}, {"refine": True, "refine_steps": 5}])
def test_the_same_seed_gives_the_same_bytes(recipe: dict[str, Any]) -> None:
    once, again = run(tasks(3), **recipe), run(tasks(3), **recipe)
    assert all(torch.equal(value, again.parameters[name]) for name, value in once.parameters.items())


def test_another_seed_draws_another_refinement() -> None:
    recipe: dict[str, Any] = {"refine": True, "refine_steps": 5, "refine_rate": 1e-4, "batch_size": 8}
    assert difference(run(tasks(3), **recipe, seed=1), run(tasks(3), **recipe, seed=2)) > 0


@pytest.mark.parametrize(
    "recipe", [{}, {"integrator": "euler"}, {"preset": "released", "batch_size": 8, "step_size": 0.05}]
)
def test_no_accepted_step_ends_above_a_ceiling(recipe: dict[str, Any]) -> None:
    steps = run(tasks(4), barrier_budget=0.002, **recipe).report.steps
    assert steps
    for step in steps:
        if step.scale > 0:
            assert all(step.losses[name] <= (ceiling or 0.0) for name, ceiling in step.ceilings.items())


def test_the_trace_is_complete_and_json_ready() -> None:
    seen: list[Step] = []
    outcome = run(tasks(3), on_step=seen.append, refine=True, refine_steps=3)
    assert seen == outcome.report.steps
    assert [step.phase for step in seen[-4:]] == ["merging", "refining", "refining", "refining"]
    document = json.loads(json.dumps(outcome.report.as_dict(), allow_nan=False))
    assert document["status"] == "completed"
    assert document["steps"][0].keys() >= {"t", "losses", "ceilings", "h", "scale", "multipliers"}
    assert document["losses_after"].keys() == {"task-0", "task-1", "task-2"}
    assert document["recipe"]["rectifier"] == "per_task"


def test_the_reported_losses_are_those_of_the_result() -> None:
    outcome = run(tasks(3), micro_batch=1000)
    network = tower(0)
    network.load_state_dict(outcome.parameters)
    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (NORMALISATION.mean, NORMALISATION.std))
    for task in tasks(3):
        embeddings = torch.nn.functional.normalize(network((task.images / 255 - mean) / std), dim=-1)
        loss = torch.nn.functional.cross_entropy(10.0 * embeddings @ task.head.T, task.labels)
        assert outcome.report.losses_after[task.name] == pytest.approx(float(loss.detach()), rel=1e-5)


def test_a_merge_stops_between_steps_on_request() -> None:
    seen: list[Step] = []
    with pytest.raises(Cancelled, match="after 2 steps"):
        run(tasks(3), on_step=seen.append, should_stop=lambda: len(seen) == 2)


def test_refinement_stops_on_request() -> None:
    seen: list[Step] = []
    with pytest.raises(Cancelled, match="of refinement"):
        run(tasks(2), on_step=seen.append, should_stop=lambda: bool(seen) and seen[-1].phase == "refining", refine=True)


def test_a_loss_that_is_not_finite_is_an_outcome_with_a_sentence() -> None:
    broken = parameters(1)
    broken["1.weight"][0, 0] = float("nan")
    outcome = run(tasks(2), theta_1=broken)
    assert outcome.report.status == "not_finite"
    assert "task-0 at the incoming parameters" in outcome.report.message
    assert difference(outcome, parameters(0)) == 0.0
    json.dumps(outcome.report.as_dict(), allow_nan=False)


def test_a_blocked_path_stops_and_reports_where() -> None:
    free: dict[str, Any] = {"excess_constraints": 0, "sensitivity_constraints": 0, "descent_ratio": 0.0}
    report = run(tasks(3), protect_old_only=True, barrier_budget=1e-4, backtracks=2, **free).report
    assert report.status == "blocked"
    assert report.operating_time < report.intended_time
    assert "blocked at time" in report.message


def test_an_automatic_time_lies_on_the_path_and_has_a_reason() -> None:
    outcome = run(tasks(2), operating_time="auto", rectifier="none")
    report = outcome.report
    passed = [verdict["t"] for verdict in report.held_out]
    assert report.operating_time in passed
    assert report.operating_time == min(report.held_out, key=lambda verdict: float(str(verdict["loss"])))["t"]
    assert "smallest held-out loss" in report.time_reason
    before, incoming = parameters(0), parameters(1)
    expected = {name: torch.lerp(before[name], incoming[name], report.operating_time) for name in before}
    assert difference(outcome, expected) <= 1e-6


def test_the_default_learns_coefficients_and_refines_after_the_path() -> None:
    plain = run(tasks(3)).report
    whole = run(tasks(3), origin=parameters(5), coefficients=True, refine=True).report
    phases = [step.phase for step in whole.steps]
    assert phases == ["merging"] * len(plain.steps) + ["weighing"] * 14 + ["refining"] * 8
    assert whole.recipe == OdeConfig.from_recipe({"precision": "float32"}).as_recipe()
    assert sum(whole.losses_after.values()) < sum(plain.losses_after.values())


@pytest.mark.parametrize(
    ("utilities", "samples", "pace"),
    [
        ([1.0, 1.0], 40, 1.0),
        ([1.0, 3.0], 50, 1.0),
        ([1.0] * 4, 40, 0.5),
        ([9.0, 1.0], 40, 0.2),
        ([1.0, 1.0], 10, 0.25),
        ([1.0] * 4, 10, 0.125),
    ],
)
def test_rates_after_the_path_decrease_with_the_operating_time_and_with_few_samples(
    utilities: list[float], samples: int, pace: float
) -> None:
    data, origin = tasks(len(utilities), samples, utilities=utilities), parameters(5)
    usual = OdeConfig.from_recipe({})
    paced = {"coefficient_rate": pace * usual.coefficient_rate, "refine_rate": pace * usual.refine_rate}
    whole = {"coefficients": True, "refine": True}
    even = {"rates_by_time": False, "enough_samples": 0}
    result = run(data, origin=origin, **whole)
    assert difference(result, run(data, origin=origin, **whole, **even, **paced).parameters) == 0.0
    assert (difference(result, run(data, origin=origin, **whole, **even).parameters) == 0.0) == (pace == 1.0)


def test_a_refinement_moves_each_tensor_by_shares_of_its_distance() -> None:
    before, incoming = parameters(0), parameters(1)
    plain = run(tasks(3))
    for rate in (1e-3, 1e-2):
        refined = run(tasks(3), refine=True, refine_rate=rate)
        for name, value in refined.parameters.items():
            unit = float((incoming[name] - before[name]).square().mean().sqrt())
            moved = float((value - plain.parameters[name]).abs().max()) / (rate * unit)
            assert 1.0 <= moved <= 7.0, "eight steps of at most about 1, annealed to 4.5 together"


def test_a_refinement_that_is_judged_once_gives_all_of_it_or_nothing() -> None:
    plain = run(tasks(3))
    wild = run(tasks(3), refine=True, refine_steps=1, refine_rate=1.0, refine_unit="parameters", refine_radius=1e3)
    assert wild.report.refinement["kept_step"] == 0
    assert difference(wild, plain) == 0.0
    assert run(tasks(3), refine=True).report.refinement["kept_step"] == 8


def test_refinement_lowers_the_mean_loss_and_stays_in_the_trust_region() -> None:
    plain = run(tasks(3))
    refined = run(tasks(3), refine=True, refine_rate=5e-3, refine_radius=0.01, refine_steps=30)
    assert sum(refined.report.losses_after.values()) < sum(plain.report.losses_after.values())
    moved = sum(float((v - plain.parameters[k]).square().sum()) for k, v in refined.parameters.items()) ** 0.5
    norm = sum(float(v.square().sum()) for v in plain.parameters.values()) ** 0.5
    assert 0 < moved <= 0.01 * norm * 1.001


def test_normalised_float_images_and_uint8_images_give_the_same_result() -> None:
    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (NORMALISATION.mean, NORMALISATION.std))
    ready = [
        TaskData(task.name, (task.images / 255 - mean) / std, task.labels, task.head, task.utility) for task in tasks(3)
    ]
    assert difference(run(ready), run(tasks(3))) <= 1e-5


def test_a_row_that_no_slot_was_left_for_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe: dict[str, Any] = {"integrator": "euler", "step_size": 0.03, "barrier_budget": 0.01}
    outcomes = {}
    for slots in (2, 3, 4):
        monkeypatch.setattr("merging.ode.engine.ROWS", (slots, slots))
        outcomes[slots] = run(tasks(8), **recipe)
    assert max(len(step.multipliers) for step in outcomes[4].report.steps) == 4
    for slots in (2, 3):
        assert difference(outcomes[slots], outcomes[4]) <= 1e-7
    evaluations = [outcomes[slots].report.gradient_evaluations for slots in (2, 3, 4)]
    assert evaluations == sorted(evaluations, reverse=True)


def test_three_slots_and_the_last_gradient_left_in_place_compute_no_row_again(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe: dict[str, Any] = {"integrator": "euler", "step_size": 0.05, "barrier_budget": 1.0, "descent_ratio": 0.24}
    monkeypatch.setattr("merging.ode.engine.ROWS", (3, 3))
    report = run(tasks(4), **recipe).report
    assert report.refused_steps == 0
    assert max(len(step.multipliers) for step in report.steps) == 4
    assert report.gradient_evaluations == pytest.approx(len(report.steps))


def test_a_path_reads_each_sample_once_at_each_end_and_once_at_each_point_between() -> None:
    data = tasks(3)
    report = run(data, integrator="euler", step_size=0.05, barrier_budget=1.0).report
    samples = sum(len(task.labels) for task in data)
    assert [step.trials for step in report.steps] == [1] * len(report.steps)
    assert report.forward_samples == samples * (2 + len(report.steps))
    assert report.losses_before == {
        name: pytest.approx(loss) for name, loss in run(data, rectifier="none").report.losses_before.items()
    }


def test_a_loss_that_is_not_finite_at_the_start_is_an_outcome_with_a_sentence() -> None:
    data = tasks(2)
    data[0] = replace(data[0], head=torch.full_like(data[0].head, float("nan")))
    report = run(data).report
    assert (report.status, report.steps) == ("not_finite", [])
    assert "task-0 at the merged parameters" in report.message


def test_the_tower_holds_the_result_and_its_flags_are_as_before() -> None:
    network = tower(0)
    frozen = next(network.parameters()).requires_grad_(False)
    scope = {"3.weight", "3.bias"}
    theta_0, theta_1 = ({k: v for k, v in parameters(seed).items() if k in scope} for seed in (0, 1))
    config = OdeConfig.from_recipe({})
    outcome = merge(network, theta_0, theta_1, tasks(2), logit_scale=10.0, normalisation=NORMALISATION, config=config)
    assert outcome.parameters.keys() == scope
    held = dict(network.named_parameters())
    assert all(torch.equal(held[name], value) for name, value in outcome.parameters.items())
    assert torch.equal(held["1.weight"], parameters(0)["1.weight"])
    assert not frozen.requires_grad
    assert held["3.weight"].requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())


class Lazy(Mapping[str, Tensor]):
    """Values that are made at each reading, in bfloat16, and counted."""

    def __init__(self, values: dict[str, Tensor]) -> None:
        self.values_, self.reads = values, 0

    def __getitem__(self, name: str) -> Tensor:
        self.reads += 1
        return self.values_[name].bfloat16()

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def test_no_parameter_is_read_more_than_four_times() -> None:
    lazy = Lazy(parameters(0)), Lazy(parameters(1)), Lazy(parameters(5))
    scale: dict[str, Any] = {"logit_scale": 10.0, "normalisation": NORMALISATION}
    merge(tower(0), *lazy[:2], tasks(2), config=OdeConfig.from_recipe({}), origin=lazy[2], **scale)
    assert max(mapping.reads for mapping in lazy) <= 4 * len(lazy[0])


def test_parameters_may_be_read_lazily_and_in_half_precision() -> None:
    lazy = Lazy(parameters(0)), Lazy(parameters(1))
    config = OdeConfig.from_recipe({"rectifier": "none", **PATH})
    outcome = merge(tower(0), *lazy, tasks(2), logit_scale=10.0, normalisation=NORMALISATION, config=config)
    assert max(mapping.reads for mapping in lazy) <= 2 * len(lazy[0])
    assert all(value.dtype == torch.float32 for value in outcome.parameters.values())
    assert (
        difference(
            outcome, {k: (v.bfloat16().float() + parameters(1)[k].bfloat16()) / 2 for k, v in parameters(0).items()}
        )
        <= 1e-6
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"theta_1": {}}, "different parameters"),
        ({"theta_0": {"x": torch.zeros(1)}, "theta_1": {"x": torch.zeros(1)}}, "no parameter of the tower"),
        ({"theta_1": parameters(1) | {"1.bias": torch.zeros(3)}}, "1.bias has shape"),
        ({"tasks": []}, "no tasks"),
        ({"tasks": [*tasks(1), *tasks(1)]}, "the same name"),
        ({"normalisation": None}, "need a normalisation"),
        ({"tower": tower(0).half()}, "float32 is needed"),
    ],
)
def test_misuse_raises_a_descriptive_error(change: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {
        "tower": tower(0), "theta_0": parameters(0), "theta_1": parameters(1), "tasks": tasks(2), "logit_scale": 1.0,
        "normalisation": NORMALISATION, "config": OdeConfig.from_recipe({}),
    }  # fmt: skip
    with pytest.raises(ValueError, match=words):
        merge(**(arguments | change))


@pytest.mark.parametrize("device", DEVICES)
def test_half_precision_passes_end_near_those_of_full_precision(device: str) -> None:
    recipe: dict[str, Any] = {"integrator": "euler", "step_size": 0.1}
    half = run(tasks(2), precision="bf16", device=device, **recipe)
    moved = difference(half, parameters(0))
    assert difference(half, run(tasks(2), device=device, **recipe)) < 0.1 * moved
    assert all(value.dtype == torch.float32 for value in half.parameters.values())


@pytest.mark.parametrize("rectifier", RECTIFIERS)
def test_a_task_without_utility_leaves_everything_as_it_was(rectifier: str) -> None:
    outcome = run(tasks(2, utilities=[1.0, 0.0]), rectifier=rectifier, task_weights="utilities")
    assert outcome.report.operating_time == 0.0
    assert difference(outcome, parameters(0)) == 0.0


@pytest.mark.slow
def test_compiled_passes_give_the_same_result() -> None:
    assert difference(run(tasks(2), compile=True), run(tasks(2))) <= 1e-4
