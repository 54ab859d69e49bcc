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
    "the same rates in every merge": {"method": "ode", "rates_by_time": False},
    "path alone, Euler, h = 0.2": {**_PATH, "integrator": "euler", "step_size": 0.2},
    "path alone, Euler, h = 0.05": {**_PATH, "integrator": "euler", "step_size": 0.05},
}
"""The default with one thing changed, or two where it says so."""

BUDGETS: Final = (64, 128, 256, 512, 1024, 2048)
SWEEP: Final = (0.03, 0.125, 0.25, 0.5)


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
    planned = _planned(chosen, scale)
    runs = iter(jobs.run([job for several in planned.values() for job in several], "streams"))
    done = {key: [next(runs) for _ in several] for key, several in planned.items()}

    def part(what: str, number: int = 0) -> dict[str, list[Run]]:
        return {name: several for (kind, at, name), several in done.items() if (kind, at) == (what, number)}

    least = min(scale.budgets, default=0)
    by_budget = {budget: part("budget", budget) for budget in scale.budgets}
    return Measured(
        chosen=dict(chosen),
        comparison={length: part("length", length) for length in scale.lengths},
        fine=part("fine"),
        ablations=part("ablations"),
        budgets={name: {budget: runs[name] for budget, runs in by_budget.items()} for name in part("budget", least)},
        utilities=part("utilities"),
        sweeps=part("sweeps") if scale.ablation_orders else {},
    )


def _planned(chosen: Mapping[str, Recipe], scale: Scale) -> dict[tuple[str, int, str], list[Job]]:
    """Every job, by the part of the report that it is for, the length or budget that it has there, and its name."""
    planned: dict[tuple[str, int, str], list[Job]] = {}

    def add(what: str, number: int, recipes: Mapping[str, Recipe], streams: list[Stream], *sweep: float) -> None:
        for name, recipe in recipes.items():
            planned[what, number, name] = [Job(stream, recipe, sweep=sweep) for stream in streams]

    first = {scale.own[0]: OWN[scale.own[0]]}
    for length in sorted(scale.lengths, reverse=True):
        own = {name: OWN[name] for name in scale.own} if length == scale.ablation_length else first
        add("length", length, {**chosen, **own}, scale.streams(length, scale.orders))
    fine: Recipe = {"method": "ode", "preset": "released", "refine": True}
    add("fine", 0, {DEFAULT: OWN[DEFAULT], FINE: fine}, scale.streams(scale.ablation_length, scale.fine_orders))
    told = [heterogeneous(scale.ablation_length, order, scale.budget, scale.tasks) for order in scale.orders]
    add("utilities", 0, {"ode_utilities": {"method": "ode", "task_weights": "utilities"}}, told)
    add("utilities", 0, {"ode_uniform": OWN[DEFAULT]}, [replace(stream, told=False) for stream in told])
    several = {**first, "ODE-M, h = 0.05": OWN["ODE-M, h = 0.05"], "replay": chosen["replay"]}
    for budget in scale.budgets:
        add("budget", budget, several, scale.streams(scale.ablation_length, scale.budget_orders, budget))
    streams = scale.streams(scale.ablation_length, scale.ablation_orders)
    add("ablations", 0, ABLATIONS, streams)
    add("sweeps", 0, {"ODE-M": OWN[DEFAULT], "straight line": {"method": "average"}}, streams, *SWEEP)
    return planned
