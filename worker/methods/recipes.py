"""From the recipe of a job to a method of the streaming engine."""

from collections.abc import Callable, Mapping
from typing import Final

from registry.recipe import AverageRecipe, LinearRecipe, TaskArithmeticRecipe
from worker.job import Job
from worker.merging.average import Average
from worker.merging.linear import Linear
from worker.merging.streaming import Method
from worker.merging.task_arithmetic import TaskArithmetic


def _average(job: Job) -> Method:
    return Average(before=utilities_before(job), utilities=(job.merge.task.utility,))


def _linear(job: Job) -> Method:
    recipe = job.merge.recipe
    assert isinstance(recipe, LinearRecipe)  # noqa: S101  its method's name says so
    return Linear(recipe.alpha)


def _task_arithmetic(job: Job) -> Method:
    recipe = job.merge.recipe
    assert isinstance(recipe, TaskArithmeticRecipe)  # noqa: S101  its method's name says so
    return TaskArithmetic(recipe.scaling)


def utilities_before(job: Job) -> float:
    """The utilities of all that head is made of, the base's included."""
    return job.lineage.base_utility + sum(task.utility for task in job.earlier_tasks)


STREAMED: Final[Mapping[str, Callable[[Job], Method]]] = {
    AverageRecipe().method: _average,
    LinearRecipe().method: _linear,
    TaskArithmeticRecipe().method: _task_arithmetic,
}
"""Method name of a data-free recipe -> the method for this job."""
