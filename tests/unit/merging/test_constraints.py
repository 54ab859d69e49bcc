"""A velocity keeps the slopes of the constrained losses within their bounds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.ode import OdeConfig
from merging.ode.aggregate import Aggregate
from merging.ode.barrier import Barrier
from merging.ode.integrator import Euler
from merging.ode.path import Path
from merging.ode.per_task import PerTask
from tests.unit.merging.quadratic import Quadratic

DIMENSION = 9


def problem(seed: int, count: int) -> tuple[Quadratic, torch.Tensor, Barrier]:
    """Make quadratic tasks, θ₁ and a low barrier."""
    generator = torch.Generator().manual_seed(seed)

    def draw() -> torch.Tensor:
        return torch.randn(DIMENSION, generator=generator, dtype=torch.float64)

    objective = Quadratic(draw(), [draw().exp() for _ in range(count)], [draw() for _ in range(count)])
    target = draw()
    barrier = Barrier(objective.losses(objective.point), objective.losses(target), 0.01, 2.0)
    return objective, target, barrier


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 6), t=st.floats(0.0, 0.8), barrier_only=st.booleans())
def test_form_b_keeps_every_constrained_slope_within_its_bound(
    seed: int, count: int, t: float, barrier_only: bool
) -> None:
    objective, target, barrier = problem(seed, count)
    config = OdeConfig.from_recipe({"allowed_increase": None if barrier_only else 0.0, "barrier_budget": 0.01})
    rectifier = PerTask(objective, target, [1.0] * count, 0.5, config, slots=4)
    rectifier.begin(t, barrier)
    losses = [float(rectifier.take(task)) for task in range(count)]
    bend = rectifier.velocity(t, 0.05, losses, barrier)
    assert 1 <= len(bend.bounds) <= 4
    for task, bound in bend.bounds.items():
        gradient = objective.curvatures[task] * (objective.point - objective.centres[task])
        slope, scale = float(gradient @ rectifier.direction), float(gradient.norm() * rectifier.direction.norm())
        if bend.feasible:
            assert slope <= bound + 1e-4 * max(1.0, scale, abs(bound))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 4), t=st.floats(0.0, 0.8))
def test_form_a_removes_only_what_is_above_the_bound_along_the_gradient(seed: int, count: int, t: float) -> None:
    objective, target, barrier = problem(seed, count)
    rectifier = Aggregate(objective, target, [1.0] * count)
    rectifier.begin(t, barrier)
    losses = [float(rectifier.take(task)) for task in range(count)]
    gradient = objective.gradient.clone()
    bend = rectifier.velocity(t, 0.05, losses, barrier)
    u = (target - objective.point) / (1 - t)
    slope = float(gradient @ u)
    assert float(gradient @ rectifier.direction) == pytest.approx(min(slope, bend.bounds[-1]), rel=1e-9, abs=1e-9)
    removed = u - rectifier.direction
    along = gradient * float(removed @ gradient) / float(gradient @ gradient)
    assert torch.allclose(removed, along, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 5), h=st.floats(0.02, 0.3))
def test_no_point_of_a_guarded_path_is_above_a_ceiling(seed: int, count: int, h: float) -> None:
    objective, target, barrier = problem(seed, count)
    config = OdeConfig.from_recipe({"barrier_budget": 0.01})
    points: list[tuple[float, list[float]]] = []
    path = Path(
        objective,
        PerTask(objective, target, [1.0] * count, 0.5, config, slots=2),
        Euler(h, 0.5),
        barrier,
        config,
        0.5,
        on_arrival=lambda t: points.append((t, objective.losses(objective.point))),
    )
    reached = path.follow()
    assert reached.status in ("completed", "blocked")
    for t, losses in points:
        for loss, ceiling in zip(losses, barrier.ceilings(t), strict=True):
            assert ceiling is not None
            assert loss <= ceiling * (1 + 1e-12)
    assert reached.losses == pytest.approx(objective.losses(objective.point))
