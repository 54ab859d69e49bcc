"""Choosing the methods' parameters: on a stream of its own and on images that no test sees."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.quality import figures
from benchmarks.quality.jobs import Job, Jobs
from benchmarks.quality.mergers import Recipe
from benchmarks.quality.streams import VALIDATION_ORDER, drawn

GRIDS: Final[Mapping[str, Mapping[str, Sequence[Any]]]] = {
    "task_arithmetic": {"scaling": (0.1, 0.2, 0.3, 0.4, 0.5)},
    "ties": {"density": (0.1, 0.2, 0.5), "scaling": (0.3, 0.5, 0.8, 1.0, 1.3)},
    "dare": {"drop_rate": (0.5, 0.9), "scaling": (0.1, 0.2, 0.3)},
    "magmax": {"scaling": (0.2, 0.3, 0.5, 0.8)},
    "opcm": {"alpha": (0.3, 0.5, 0.7)},
    "replay": {"rate": (3e-5, 1e-4, 3e-4), "steps": (20, 40)},
}
"""Method -> what is tried of its parameters. Methods that are not here have none."""

VALIDATION_LENGTH: Final = 8


def grid(method: str) -> list[Recipe]:
    """Every recipe of a method's grid."""
    names = list(GRIDS[method])
    return [
        {"method": method} | dict(zip(names, values, strict=True))
        for values in itertools.product(*GRIDS[method].values())
    ]


def choose(jobs: Jobs, budget: int, *, length: int = VALIDATION_LENGTH) -> dict[str, list[tuple[float, Recipe]]]:
    """For each method its grid's recipes with their validation ACC, the best first."""
    stream = drawn(length, VALIDATION_ORDER, budget)
    tried = [recipe for method in GRIDS for recipe in grid(method)]
    runs = jobs.run([Job(stream, recipe, "validation") for recipe in tried], "choosing parameters")
    scored = [(figures.acc(run), recipe) for run, recipe in zip(runs, tried, strict=True)]
    return {
        method: sorted((item for item in scored if item[1]["method"] == method), key=lambda item: -item[0])
        for method in GRIDS
    }
