"""On a quadratic loss the path has a closed form, which every integrator meets with the order that it claims.

With one task, q = 0 and η held at a constant, θ' = (θ₁ - θ)/(1 - t) - η a (θ - c). For c = θ₁ the solution is
θ(t) = θ₁ + (θ₀ - θ₁)(1 - t) exp(-η a t).
"""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.ode import OdeConfig, Step
from merging.ode.barrier import Barrier
from merging.ode.integrator import integrator
from merging.ode.path import Path, PathEnd
from merging.ode.per_task import PerTask
from tests.unit.merging.quadratic import Quadratic

ETA, END = 0.7, 0.6
CURVATURE = torch.tensor([0.2, 1.0, 2.5], dtype=torch.float64)
START = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
TARGET = torch.tensor([-1.0, 1.5, 2.0], dtype=torch.float64)


def follow(recipe: dict[str, object], end: float = END) -> tuple[Quadratic, PathEnd, list[Step]]:
    """Follow the path of the closed form under `recipe`."""
    fixed = {"norm_power": 0.0, "descent_smallest": ETA, "descent_largest": ETA, "barrier_budget": 1000.0}
    config = OdeConfig.from_recipe(fixed | {"allowed_increase": None} | recipe)
    objective = Quadratic(START, [CURVATURE], [TARGET])
    barrier = Barrier(objective.losses(START), objective.losses(TARGET), config.barrier_budget, config.barrier_power)
    rectifier = PerTask(objective, TARGET, [1.0], end, config, slots=2)
    steps: list[Step] = []
    stepper = integrator(config, end, objective.point, straight=False)
    reached = Path(objective, rectifier, stepper, barrier, config, end, on_step=steps.append).follow()
    return objective, reached, steps


def error(recipe: dict[str, object]) -> float:
    """Return the distance of a path's end to the closed form's."""
    objective, reached, _ = follow(recipe)
    assert reached.t == END
    exact = TARGET + (START - TARGET) * (1 - END) * torch.exp(-ETA * CURVATURE * END)
    return float((objective.point - exact).norm())


@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("adams", 2)])
def test_halving_the_step_divides_the_error_by_the_order(name: str, order: int) -> None:
    errors = [error({"integrator": name, "step_size": END / steps}) for steps in (40, 80, 160)]
    measured = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert measured == pytest.approx([order] * 2, abs=0.15)


def test_the_adaptive_integrator_converges_with_its_tolerance() -> None:
    loose, tight = (
        error({"integrator": "adaptive", "tolerance": tolerance, "smallest_step": 1e-4, "largest_step": 1.0})
        for tolerance in (0.02, 0.005)
    )
    assert tight < loose / 2


def test_the_adaptive_integrator_has_order_one_at_equal_steps() -> None:
    errors = [
        error({"integrator": "adaptive", "tolerance": 10.0, "smallest_step": 1 / steps, "largest_step": 1 / steps})
        for steps in (80, 160, 320)
    ]
    measured = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert measured == pytest.approx([1, 1], abs=0.15)


@settings(max_examples=40, deadline=None)
@given(
    end=st.floats(0.01, 0.99),
    h=st.floats(0.01, 1.0),
    name=st.sampled_from(["euler", "adams", "adaptive"]),
)
def test_every_path_ends_exactly_at_its_time(end: float, h: float, name: str) -> None:
    _, reached, steps = follow({"integrator": name, "step_size": h}, end)
    assert reached.status == "completed"
    assert reached.t == end == steps[-1].t_next
    if name != "adaptive" and all(step.scale == 1.0 for step in steps):
        assert len(steps) == pytest.approx(end / h, abs=1)
        assert max(step.h for step in steps) <= h * (1 + 1e-6)


def test_the_published_grid_makes_no_step_when_the_step_is_longer_than_the_path() -> None:
    recipe = {"integrator": "euler", "path_end": "last_grid_point", "step_size": 0.5, "program": "released"}
    objective, reached, steps = follow(recipe, 0.3)
    assert (reached.t, steps) == (0.0, [])
    assert torch.equal(objective.point, START)
