"""Quadratic program that bends a velocity to its constraints.

argmin ½‖v - v₀‖² with g_j·v ≤ b_j has the solution v = v₀ - Σ λ_j g_j with λ ≥ 0; it needs only the Gram matrix
K = (g_i·g_j) and the excesses c_j = g_j·v₀ - b_j. At most four rows: all active sets are tried.
"""

from dataclasses import dataclass

import numpy as np

SOFT_RIDGE = 1e-3


@dataclass(frozen=True)
class Solution:
    """The multipliers λ [m], and whether they meet every constraint."""

    multipliers: np.ndarray
    feasible: bool


def solve(K: np.ndarray, c: np.ndarray, tolerance: float = 1e-6) -> Solution:
    """Solve the program: K λ ≥ c, λ ≥ 0, λᵀ(Kλ - c) = 0, each to `tolerance` relative to the rows' sizes.

    K float64 [m, m], c float64 [m]. Where the constraints contradict each other (possible only with linearly
    dependent rows) the answer is not feasible and is that of the program with softened constraints.
    """
    size = np.sqrt(np.maximum(np.diag(K), 0.0))
    scale = np.where(size > 0, size, 1.0)
    unit, excess = K / np.outer(scale, scale), c / scale
    slack = tolerance * max(float(np.abs(excess).max(initial=0.0)), 1e-30)
    best = _cheapest(unit, excess, slack, ridge=0.0)
    if best is not None:
        return Solution(best / scale, feasible=True)
    soft = _cheapest(unit + SOFT_RIDGE * np.eye(len(c)), excess, slack, ridge=0.0)
    return Solution(np.zeros(len(c)) if soft is None else soft / scale, feasible=False)


def solve_as_released(K: np.ndarray, c: np.ndarray, ridge: float, tolerance: float) -> Solution:
    """Solve the program as the published code does.

    A ridge makes an active constraint miss its bound by ridge · λ; where that is above the absolute `tolerance`
    the active set is refused, and when none is left the answer is λ = 0, not feasible.
    """
    best = _cheapest(K, c, tolerance, ridge=ridge)
    return Solution(np.zeros(len(c)) if best is None else best, feasible=best is not None)


def _cheapest(K: np.ndarray, c: np.ndarray, slack: float, *, ridge: float) -> np.ndarray | None:
    """Return the λ ≥ 0 of the active set that meets K λ ≥ c with the smallest ½ λᵀKλ, or None."""
    best, best_cost = None, float("inf")
    for mask in range(1 << len(c)):
        active = [row for row in range(len(c)) if mask >> row & 1]
        trial = np.zeros(len(c))
        if active:
            block = K[np.ix_(active, active)] + ridge * np.eye(len(active))
            solved = _solve_block(block, c[active])
            if solved is None or np.any(solved < -slack):
                continue
            trial[active] = np.maximum(solved, 0.0)
        if np.any(c - K @ trial > slack):
            continue
        cost = 0.5 * float(trial @ (K @ trial))
        if cost < best_cost:
            best, best_cost = trial, cost
    return best


def _solve_block(block: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """Solve a symmetric system; None where it is singular or not finite."""
    try:
        solved = np.linalg.solve(block, right)
    except np.linalg.LinAlgError:
        return None
    return solved if np.all(np.isfinite(solved)) else None
