"""Merging coefficients: two numbers a row, learned after the path."""

from typing import Any

import pytest
import torch
from torch import Tensor

from merging.ode import Cancelled, OdeConfig, Step
from merging.ode.augment import Crops
from merging.ode.coefficients import Rows
from merging.ode.objective import TowerObjective
from merging.ode.parameter_buffer import Layout, bound
from tests.unit.merging.small import NORMALISATION, difference, parameters, run, tasks, tower

ORIGIN = parameters(5)
LEARNED: dict[str, Any] = {"coefficients": True, "coefficient_steps": 12, "origin": ORIGIN}


def row(value: Tensor) -> Tensor:
    """As the coefficients see a parameter: a matrix by rows, a vector as one."""
    return value.reshape(value.shape[0] if value.ndim > 1 else 1, -1)


def test_the_result_differs_from_the_paths_end_by_multiples_of_both_task_vectors_rows() -> None:
    plain, learned = run(tasks(3)), run(tasks(3), **LEARNED)
    assert difference(plain, learned) > 1e-4
    before, incoming = parameters(0), parameters(1)
    for name, value in learned.parameters.items():
        moved = row(value - plain.parameters[name])
        spans = torch.stack([row(before[name] - ORIGIN[name]), row(incoming[name] - ORIGIN[name])], dim=2)
        result = torch.linalg.lstsq(spans, moved.unsqueeze(2)).solution
        assert float((spans @ result - moved.unsqueeze(2)).abs().max()) <= 1e-5


def test_they_lower_the_mean_loss_and_say_so() -> None:
    plain, learned = run(tasks(3)).report, run(tasks(3), **LEARNED).report
    reported = learned.coefficients
    assert reported["kept"]
    assert reported["steps"] == 12
    assert reported["rows"] == 24 + 1 + 6 + 1
    assert sum(learned.losses_after.values()) < sum(plain.losses_after.values())
    assert reported["mean_loss_after"] == pytest.approx(sum(learned.losses_after.values()) / 3)
    assert reported["mean_loss_before"] == pytest.approx(sum(plain.losses_after.values()) / 3)
    assert [step.phase for step in learned.steps].count("weighing") == 12
    assert learned.gradient_evaluations == pytest.approx(plain.gradient_evaluations + 12)


def test_ineffective_coefficients_are_discarded() -> None:
    outcome = run(tasks(3), **LEARNED | {"coefficient_rate": 10.0})
    assert not outcome.report.coefficients["kept"]
    assert difference(outcome, run(tasks(3))) == 0.0


def test_they_need_an_origin_and_a_second_task() -> None:
    assert difference(run(tasks(3), coefficients=True), run(tasks(3))) == 0.0
    alone = run(tasks(1), **LEARNED)
    assert difference(alone, parameters(1)) == 0.0
    assert not alone.report.coefficients


def test_a_first_checkpoint_is_not_refined() -> None:
    assert difference(run(tasks(1), refine=True, refine_rate=1e-2, refine_steps=3), parameters(1)) == 0.0


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    once, again = (run(tasks(3), **LEARNED) for _ in range(2))
    assert difference(once, again) == 0.0
    assert difference(once, run(tasks(3), **LEARNED, seed=7)) > 0


def test_learning_the_coefficients_stops_on_request() -> None:
    seen: list[Step] = []
    with pytest.raises(Cancelled, match="of the coefficients"):
        run(tasks(2), on_step=seen.append, should_stop=lambda: bool(seen) and seen[-1].phase == "weighing", **LEARNED)


def test_the_slope_of_a_coefficient_is_that_of_the_loss() -> None:
    """By central differences of the loss, in one row of each vector."""
    network, data = tower(0).double().float(), tasks(1)
    layout = Layout.from_tower(network, parameters(0), parameters(0))
    point, gradient, first, second = (torch.zeros(layout.size) for _ in range(4))
    layout.fill(point, parameters(0))
    layout.fill(first, parameters(1))
    layout.fill(second, parameters(2))
    rows = Rows(layout, (first, second))
    with bound(network, layout, point, gradient):
        config = OdeConfig.from_recipe({"precision": "float32"})
        objective = TowerObjective(
            network, point, gradient, data, logit_scale=10.0, normalisation=NORMALISATION, config=config
        )
        objective.add_gradient(0, 1.0)
        slopes = rows.slopes(gradient)
        for vector in (0, 1):
            change = torch.zeros(2, rows.count)
            change[vector, 3] = 1e-2
            losses = []
            for sign in (1, -2):
                rows.add(point, sign * change)
                losses.append(float(objective.loss(0)))
            rows.add(point, change)
            assert float(slopes[vector, 3]) == pytest.approx((losses[0] - losses[1]) / 2e-2, rel=2e-2, abs=1e-4)


def test_crops_keep_shape_and_range_and_differ_from_draw_to_draw() -> None:
    images = torch.randint(0, 256, (5, 3, 6, 6), dtype=torch.uint8)
    crops = Crops(0.3, seed=0)
    once, again = crops(images), crops(images)
    assert once.shape == images.shape
    assert once.dtype == torch.float32
    assert float(once.min()) >= 0
    assert float(once.max()) <= 255.001
    assert not torch.equal(once, again)
    assert torch.equal(Crops(0.3, seed=0)(images), once)
    assert torch.equal(Crops(0.0, seed=0)(images), images.float())
