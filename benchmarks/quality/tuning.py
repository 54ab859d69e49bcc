"""Choosing the methods' parameters: on a stream of its own and on samples that no test sees."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.quality import metrics
from benchmarks.quality.jobs import Job, Jobs
from benchmarks.quality.mergers import Recipe
from benchmarks.quality.streams import VALIDATION_ORDER, drawn

GRIDS: Final[Mapping[str, Mapping[str, Sequence[Any]]]] = {
    "task_arithmetic": {"scaling": (0.2, 0.3, 0.5, 0.8)},
    "ties": {"density": (0.2,), "scaling": (1.0, 1.5, 2.5)},
    "dare": {"drop_rate": (0.9,), "scaling": (0.3, 0.5)},
    "magmax": {"scaling": (0.5, 1.0)},
    "aswudi": {"scaling": (1.0, 1.3, 1.5)},
    "replay": {"rate": (3e-5, 1e-4), "steps": (24,)},
}
"""Method -> the values of its parameters that are tried. Other methods have none, or a default from their source."""

VALIDATION_LENGTH: Final = 8


def grid(method: str) -> list[Recipe]:
    """Every recipe of a method's grid."""
    names = list(GRIDS[method])
    return [
        {"method": method} | dict(zip(names, values, strict=True))
        for values in itertools.product(*GRIDS[method].values())
    ]


def choose(jobs: Jobs, recipes: Mapping[str, Recipe], tasks: Sequence[str], budget: int) -> dict[str, Recipe]:
    """The recipes, those of methods with a grid replaced by the best one in validation, with what they name beside."""
    stream = drawn(tasks, min(VALIDATION_LENGTH, len(tasks)), VALIDATION_ORDER, budget)
    tried = [
        (name, {**recipe, **values})
        for name, recipe in recipes.items()
        if recipe["method"] in GRIDS
        for values in grid(recipe["method"])
    ]
    runs = jobs.run([Job(stream, recipe, "validation") for _, recipe in tried], "choosing parameters")
    best: dict[str, tuple[float, Recipe]] = {}
    for (name, recipe), run in zip(tried, runs, strict=True):
        score = metrics.acc(run)
        if name not in best or score > best[name][0]:
            best[name] = (score, recipe)
    return {name: best[name][1] if name in best else recipe for name, recipe in recipes.items()}
