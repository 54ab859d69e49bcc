"""What is measured: the comparison, the ablations, the trade-offs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from benchmarks.quality.jobs import Job, Jobs
from benchmarks.quality.mergers import Recipe
from benchmarks.quality.protocol import Run
from benchmarks.quality.streams import BUDGET, LENGTHS, ORDERS, TASKS, Stream, drawn, heterogeneous

DEFAULT: Final = "ODE-M, default"
SMALL_STEPS: Final = "ODE-M, h = 0.01"
FINE: Final = "ODE-M, h = 0.01, published refinement"

_PATH: Final[Recipe] = {"method": "ode", "coefficients": False, "refine": False}
OWN: Final[Mapping[str, Recipe]] = {
    DEFAULT: {"method": "ode"},
    "ODE-M, path alone": _PATH,
    SMALL_STEPS: {"method": "ode", "preset": "released"},
    "ODE-M, h = 0.05": {"method": "ode", "preset": "released", "step_size": 0.05},
    "ODE-M, form A": {"method": "ode", "rectifier": "aggregate"},
}
"""ODE-M's recipes of the comparison."""

ABLATIONS: Final[Mapping[str, Recipe]] = {
    DEFAULT: {"method": "ode"},
    "path alone": _PATH,
    "no refinement": {"method": "ode", "refine": False},
    "no coefficients": {"method": "ode", "coefficients": False},
    "the straight path in place of ODE-M's": {"method": "ode", "rectifier": "none"},
    "form A (aggregate)": {"method": "ode", "rectifier": "aggregate"},
    "no barrier, no constraints": {
        "method": "ode",
        "barrier_budget": 1e3,
        "excess_constraints": 0,
        "sensitivity_constraints": 0,
    },
    "ceilings for old tasks only": {"method": "ode", "protect_old_only": True},
    "automatic operating time": {"method": "ode", "operating_time": "auto"},
    "steps of at most an eighth, and the published ρ": {
        "method": "ode",
        "smallest_step": 0.025,
        "largest_step": 0.125,
        "descent_ratio": 0.24,
    },
    "no crops": {"method": "ode", "crops": 0.0},
    "path alone, Euler, h = 0.2": {**_PATH, "integrator": "euler", "step_size": 0.2},
    "path alone, Euler, h = 0.05": {**_PATH, "integrator": "euler", "step_size": 0.05},
}
"""The default with one thing changed, or two where it says so."""

BUDGETS: Final = (64, 128, 256, 512, 1024, 2048)
SWEEP: Final = (0.03, 0.06, 0.125, 0.25, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    ablation_orders, budget_orders: of the streams of `ablation_length`, at which alone all of ODE-M's recipes in `own`
    are compared; at other lengths the first. fine_orders: of these streams, merged with FINE too, which takes longest.
    """

    lengths: tuple[int, ...] = LENGTHS
    orders: tuple[int, ...] = ORDERS
    budget: int = BUDGET
    ablation_length: int = 8
    ablation_orders: tuple[int, ...] = ORDERS
    fine_orders: tuple[int, ...] = ORDERS
    budgets: tuple[int, ...] = BUDGETS
    budget_orders: tuple[int, ...] = (1,)
    tasks: tuple[str, ...] = TASKS
    own: tuple[str, ...] = tuple(OWN)

    def streams(self, length: int, orders: Sequence[int], budget: int | None = None) -> list[Stream]:
        """The streams of these orders."""
        return [drawn(length, order, budget or self.budget, self.tasks) for order in orders]


@dataclass
class Measured:
    """Everything that the report tells of. Runs are in the order of the orders."""

    chosen: dict[str, Recipe]
    comparison: dict[int, dict[str, list[Run]]] = field(default_factory=dict)
    fine: dict[str, list[Run]] = field(default_factory=dict)
    ablations: dict[str, list[Run]] = field(default_factory=dict)
    budgets: dict[str, dict[int, list[Run]]] = field(default_factory=dict)
    utilities: dict[str, list[Run]] = field(default_factory=dict)
    sweeps: dict[str, list[Run]] = field(default_factory=dict)


def measure(jobs: Jobs, chosen: Mapping[str, Recipe], scale: Scale) -> Measured:
    """Run all of it; `chosen` are the other methods' recipes by their names."""
    found = Measured(dict(chosen))
    recipes = {**chosen, **{name: OWN[name] for name in scale.own}}
    for length in scale.lengths:
        streams = scale.streams(length, scale.orders)
        wanted = {**chosen, scale.own[0]: OWN[scale.own[0]]}
        if length == scale.ablation_length:
            wanted |= recipes
        found.comparison[length] = _table(jobs, wanted, streams, f"{length} tasks")
    found.fine = _table(
        jobs,
        {DEFAULT: OWN[DEFAULT], FINE: {"method": "ode", "preset": "released", "refine": True}},
        scale.streams(scale.ablation_length, scale.fine_orders),
        "small steps",
    )
    streams = scale.streams(scale.ablation_length, scale.ablation_orders)
    found.ablations = _table(jobs, ABLATIONS, streams, "ablations")
    for budget in scale.budgets:
        streams = scale.streams(scale.ablation_length, scale.budget_orders, budget)
        several = {name: recipe for name, recipe in recipes.items() if name in (DEFAULT, "ODE-M, h = 0.05", "replay")}
        for name, runs in _table(jobs, several, streams, f"budget {budget}").items():
            found.budgets.setdefault(name, {})[budget] = runs
    streams = [heterogeneous(scale.ablation_length, order, scale.budget, scale.tasks) for order in scale.orders]
    found.utilities["ode_utilities"] = _runs(jobs, {"method": "ode", "task_weights": "utilities"}, streams)
    plain = [replace(stream, told=False) for stream in streams]
    found.utilities["ode_uniform"] = _runs(jobs, {"method": "ode"}, plain)
    streams = scale.streams(scale.ablation_length, scale.ablation_orders)
    if streams:
        found.sweeps = {
            "ODE-M": _runs(jobs, OWN[DEFAULT], streams, SWEEP),
            "straight line": _runs(jobs, {"method": "average"}, streams, SWEEP),
        }
    return found


def _runs(jobs: Jobs, recipe: Recipe, streams: Sequence[Stream], sweep: tuple[float, ...] = ()) -> list[Run]:
    return jobs.run([Job(stream, recipe, sweep=sweep) for stream in streams], "trade-offs")


def _table(jobs: Jobs, recipes: Mapping[str, Recipe], streams: Sequence[Stream], what: str) -> dict[str, list[Run]]:
    wanted = [Job(stream, recipe) for recipe in recipes.values() for stream in streams]
    runs = iter(jobs.run(wanted, what))
    return {name: [next(runs) for _ in streams] for name in recipes}
