"""ODE-M planner: from a recipe, the calibration memory and utilities to the values that `merging.ode.merge` takes.

The counterpart of `worker.planning` for the method that runs the network; the worker and the benchmarks use both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from merging.ode import OdeConfig, TaskData
from worker.calibration_memory import Sample

JOINT: Final[Mapping[str, object]] = {"method": "aswudi", "scaling": 1.3}
"""The data-free recipe whose solution of all tasks so far is the endpoint "joint".

Scaling: a compromise. ASWUDI's own factor is 1.0; on the validation samples of the image family of `benchmarks.quality`
1.5 was the best of 1.0, 1.3 and 1.5. It was not tuned on the text family.
"""


@dataclass(frozen=True)
class OdePlan:
    """Arguments of `merging.ode.merge`: tasks (the incoming one last), config and base_utility.

    unprotected: names of tasks without a calibration sample, which no barrier protects; their utilities are part of
    base_utility, so that they keep their share of the path.
    """

    config: OdeConfig
    tasks: list[TaskData]
    base_utility: float
    unprotected: tuple[str, ...]


def plan_ode(
    recipe: Mapping[str, object], memory: Sequence[Sample], utilities: Mapping[str, float], base_utility: float = 0.0
) -> OdePlan:
    """The plan of a merge by ODE-M. Raises ValueError if the recipe is not valid.

    memory: samples of the tasks that have some, the incoming task's last. utilities: of every task by name, the
    incoming one included.
    """
    sampled = {sample.task.name for sample in memory}
    unprotected = tuple(sorted(set(utilities) - sampled))
    tasks = [
        TaskData(sample.task.name, sample.images, sample.labels, sample.head, utilities[sample.task.name])
        for sample in memory
    ]
    rest = sum(utility for name, utility in utilities.items() if name not in sampled)
    return OdePlan(OdeConfig.from_recipe(recipe), tasks, base_utility + rest, unprotected)
