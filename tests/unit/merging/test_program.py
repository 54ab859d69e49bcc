"""The quadratic program and the choice of its rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.ode.qp import solve, solve_as_released
from merging.ode.rows import Candidate, constrained


def random_rows(seed: int, rows: int, dimension: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rows g of very different sizes, v₀, b, and c = g·v₀ - b."""
    generator = np.random.default_rng(seed)
    g = generator.normal(size=(rows, dimension)) * 10.0 ** generator.uniform(-3, 3, size=(rows, 1))
    v0, b = generator.normal(size=dimension), generator.normal(size=rows) * np.linalg.norm(g, axis=1)
    return g, v0, b, g @ v0 - b


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**31), rows=st.integers(0, 4), dimension=st.integers(8, 20))
def test_the_solution_meets_the_constraints_and_is_the_nearest_that_does(seed: int, rows: int, dimension: int) -> None:
    g, v0, b, c = random_rows(seed, rows, dimension)
    solution = solve(g @ g.T, c)
    size = np.linalg.norm(g, axis=1)
    v = v0 - solution.multipliers @ g
    slack = (g @ v - b) / np.where(size > 0, size, 1.0)
    assert solution.feasible
    assert np.all(solution.multipliers >= 0)
    assert np.all(slack <= 1e-4)
    assert np.all((solution.multipliers == 0) | (np.abs(slack) <= 1e-4))  # complementary: only tight rows push


def test_contradictory_constraints_are_softened_and_reported_as_infeasible() -> None:
    g = np.array([[1.0, 0.0], [-1.0, 0.0]])
    solution = solve(g @ g.T, np.array([1.0, 1.0]))
    assert not solution.feasible
    assert np.all(np.isfinite(solution.multipliers))


def test_equal_rows_with_different_bounds_are_met_by_the_tighter_one() -> None:
    solution = solve(np.ones((2, 2)), np.array([0.5, 2.0]))
    assert solution.feasible
    assert solution.multipliers.sum() == pytest.approx(2.0)


def test_the_published_program_gives_up_above_a_multiplier_of_one_and_ours_does_not() -> None:
    K, c = np.array([[1.0]]), np.array([2.0])
    released = solve_as_released(K, c, ridge=1e-6, tolerance=1e-6)
    assert (released.feasible, released.multipliers[0]) == (False, 0.0)
    assert solve(K, c).multipliers[0] == pytest.approx(2.0)
    small = solve_as_released(K, np.array([0.5]), ridge=1e-6, tolerance=1e-6)
    assert small.multipliers[0] == pytest.approx(0.5, rel=1e-5)


def test_rows_are_the_nearest_to_their_ceilings_and_the_most_harmed_once_each() -> None:
    candidates = [
        Candidate(0, -0.5, 3.0),
        Candidate(1, 0.1, -1.0),
        Candidate(2, -0.2, 2.0),
        Candidate(3, -0.9, 1.0),
        Candidate(4, -0.2, -5.0),
    ]
    assert constrained(candidates, 2, 2) == [1, 2, 0]
    assert constrained(candidates, 1, 3) == [1, 0, 2, 3]
    assert constrained(candidates, 0, 0) == []
