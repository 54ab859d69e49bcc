"""What is measured: which recipes, on which streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from benchmarks.quality import metrics
from benchmarks.quality.jobs import Job, Jobs
from benchmarks.quality.mergers import Recipe
from benchmarks.quality.protocol import Run
from benchmarks.quality.streams import BUDGET, ORDERS, drawn, heterogeneous
from merging.recipes import RECIPES
from worker.ode_planning import JOINT

DEFAULT: Final = "ODE-M, default"
JOINT_ENDPOINT: Final = "ODE-M, joint endpoint"
RELEASED: Final = "ODE-M, released"
REPLAY: Final = "replay"
REPLAY_JOINT: Final = "replay from the joint solution"

RUN_NETWORK: Final = frozenset({"ode", "replay"})

LENGTHS: Final = (4, 8, 12)
HEADLINE: Final = 8
"""Tasks of the streams that the JSON line tells of, where they are among the lengths."""


def recipes() -> dict[str, Recipe]:
    """Every method: all data-free ones that need weights alone, ODE-M, and the sceptic's replay."""
    data_free: dict[str, Recipe] = {
        name: {"method": name} for name, spec in RECIPES.items() if not spec.needs_network and name != "linear"
    }
    own: dict[str, Recipe] = {
        DEFAULT: {"method": "ode"},
        RELEASED: {"method": "ode", "preset": "released", "step_size": 0.05},
        JOINT_ENDPOINT: {"method": "ode", "endpoint": "joint"},
        REPLAY: {"method": "replay"},
        REPLAY_JOINT: {"method": "replay", "start": dict(JOINT)},
    }
    return data_free | own


@dataclass(frozen=True)
class Scale:
    """How much is measured: streams of these lengths, in these orders, with a memory of this many samples.

    network_orders: of the methods that run the network, which takes minutes a stream. utilities: whether streams with
    unequal utilities are measured.
    """

    tasks: tuple[str, ...]
    lengths: tuple[int, ...] = LENGTHS
    orders: tuple[int, ...] = ORDERS
    network_orders: tuple[int, ...] = ORDERS
    budget: int = BUDGET
    budgets: tuple[int, ...] = ()
    utilities: bool = False

    @property
    def headline(self) -> int:
        """The length that the JSON line tells of."""
        return HEADLINE if HEADLINE in self.lengths else max(self.lengths)

    def fitting(self) -> "Scale":
        """The same without lengths beyond the number of tasks, and with all tasks as the longest."""
        lengths = sorted({min(length, len(self.tasks)) for length in self.lengths})
        return replace(self, lengths=tuple(lengths))


@dataclass
class Measured:
    """Everything that the report shows of one family. Runs are in the order of the orders."""

    recipes: dict[str, Recipe]
    by_length: dict[int, dict[str, list[Run]]] = field(default_factory=dict)
    by_budget: dict[int, dict[str, list[Run]]] = field(default_factory=dict)
    utilities: dict[str, list[Run]] = field(default_factory=dict)


def measure(jobs: Jobs, chosen: Mapping[str, Recipe], scale: Scale) -> Measured:
    """Run all of it, the headline's streams first."""
    planned: dict[tuple[str, int, str], list[Job]] = {}
    for length in sorted(scale.lengths, key=lambda length: length != scale.headline):
        for name, recipe in chosen.items():
            planned["length", length, name] = [
                Job(drawn(scale.tasks, length, order, scale.budget), recipe)
                for order in (scale.network_orders if recipe["method"] in RUN_NETWORK else scale.orders)
            ]
    for name, utilities_known in (("ode_utilities", True), ("ode_uniform", False)) if scale.utilities else ():
        recipe = chosen[DEFAULT] | ({"task_weights": "utilities"} if utilities_known else {})
        streams = [heterogeneous(scale.tasks, scale.headline, order, scale.budget) for order in scale.network_orders]
        planned["utilities", 0, name] = [
            Job(replace(stream, utilities_known=utilities_known), recipe) for stream in streams
        ]
    with_memory = [name for name in (DEFAULT, JOINT_ENDPOINT, REPLAY, REPLAY_JOINT) if name in chosen]
    for budget in scale.budgets:
        for name in with_memory:
            streams = [drawn(scale.tasks, scale.headline, order, budget) for order in scale.network_orders[:1]]
            planned["budget", budget, name] = [Job(stream, chosen[name]) for stream in streams]
    runs = iter(jobs.run([job for several in planned.values() for job in several], "streams"))
    done = {key: [next(runs) for _ in several] for key, several in planned.items()}

    def part(what: str, number: int = 0) -> dict[str, list[Run]]:
        return {name: several for (kind, at, name), several in done.items() if (kind, at) == (what, number)}

    return Measured(
        recipes=dict(chosen),
        by_length={length: part("length", length) for length in scale.lengths},
        by_budget={budget: part("budget", budget) for budget in scale.budgets},
        utilities=part("utilities"),
    )


def best_data_free(runs: Mapping[str, Sequence[Run]], chosen: Mapping[str, Recipe]) -> str:
    """Name of the data-free method with the highest mean accuracy."""
    names = [name for name in runs if chosen[name]["method"] not in RUN_NETWORK]
    return max(names, key=lambda name: metrics.mean([metrics.acc(run) for run in runs[name]]))
