"""The preset "released" computes what the published code computed."""

import pytest
import torch

from merging.ode import OdeConfig, Step
from merging.ode.engine import arithmetic
from merging.ode.objective import TowerObjective
from merging.ode.parameter_buffer import Layout, bound
from merging.ode.refine import refine
from tests.unit.merging.golden import DEVICES, PATHS, largest_difference, load, run, tower

TOLERANCE = 1e-6
FAST = {"ode_small"}
CASES = [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in PATHS]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", CASES)
def test_paths_end_where_the_published_code_ended(name: str, device: str) -> None:
    golden = load(name)
    outcome = run(golden, device)
    assert largest_difference(outcome.parameters, golden.result) <= TOLERANCE
    assert len(outcome.report.steps) == golden.facts["n_steps"]
    for step, expected in zip(outcome.report.steps, golden.facts["steps"], strict=True):
        check_step(step, expected)


def check_step(step: Step, expected: dict[str, object]) -> None:
    """Compare every decision of a step with the published code's."""
    wanted = expected["constraint_tasks"]
    assert isinstance(wanted, list)
    if step.number > 1:  # at t = 0 all tasks are equally far below their ceilings: rounding picks among them
        assert list(step.multipliers) == wanted
    assert set(step.multipliers) == set(wanted)
    assert step.feasible == expected["best_feas"]
    assert step.scale == pytest.approx(expected["step_scale"], abs=1e-12)
    assert [step.t, step.t_next] == [expected["t"], expected["t_next"]]
    lam = dict(zip(wanted, expected["lam"], strict=True))  # type: ignore[call-overload]
    assert step.multipliers == pytest.approx(lam, rel=1e-3, abs=1e-5)
    assert step.bounds == pytest.approx(expected["b"], rel=1e-3, abs=1e-4)
    assert step.eta == pytest.approx(expected["eta"], rel=1e-4)
    if list(step.multipliers) == wanted:
        for row, known in zip(step.gram, expected["K"], strict=True):  # type: ignore[call-overload]
            assert row == pytest.approx(known, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("device", DEVICES)
def test_refinement_ends_where_the_published_code_ended(device: str) -> None:
    golden = load("ode_post_refine")
    hyper = golden.facts["hyper"]
    config = OdeConfig.from_recipe(
        {
            "preset": "released",
            "refine_steps": hyper["post_refine_steps"],
            "refine_rate": hyper["post_refine_lr"],
            "refine_anchor": hyper["post_refine_anchor"],
            "refine_radius": hyper["post_refine_radius"],
            "refine_tolerance": hyper["post_refine_task_tol"],
            "refine_clip": hyper["post_refine_grad_clip"],
            "batch_size": hyper["batch_size"],
            "max_batches": hyper["post_refine_probe_batches"],
        }
    )
    network = tower(golden).to(device)
    theta = {name: value for name, value in golden.theta_0.items() if name != "proj"}
    layout = Layout.from_tower(network, theta, theta)
    point, gradient = torch.zeros(layout.size, device=device), torch.zeros(layout.size, device=device)
    layout.fill(point, theta)
    drawn = {task: iter(golden.facts["drawn_indices"][name]) for task, name in enumerate(golden.facts["tasks"])}
    with bound(network, layout, point, gradient), arithmetic("float32"):
        objective = TowerObjective(
            network, point, gradient, golden.tasks, logit_scale=golden.logit_scale, normalisation=None, config=config
        )
        share = 1 / len(golden.tasks)

        def draws(task: int) -> torch.Tensor:
            return torch.tensor(next(drawn[task]))

        refine(objective, objective, [share] * len(golden.tasks), config, draws, end=0.0)
    result = layout.views(point)
    for name, expected in golden.result.items():
        if name != "proj":
            # The true gradient of an attention's key bias is zero; Adam makes steps of the rounding that is left of it.
            keys = slice(64, 128) if name.endswith("in_proj_bias") else slice(0, 0)
            difference = (result[name].cpu() - expected).abs()
            difference[keys] = 0.0
            assert float(difference.max()) <= TOLERANCE, name
    moved = sum(float((value.cpu() - theta[name]).square().sum()) for name, value in result.items()) ** 0.5
    assert moved == pytest.approx(golden.facts["check"]["l2_move"], rel=1e-4)
