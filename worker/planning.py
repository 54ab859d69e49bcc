"""From the recipe of a job to a method of the streaming engine, with the state that it goes on from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from merging.average import Average, operating_time
from merging.dare import dare
from merging.linear import Linear
from merging.magmax import MagMax
from merging.opcm import Opcm
from merging.slerp import Slerp
from merging.streaming import AnyMethod, Inputs, Method
from merging.task_arithmetic import TaskArithmetic
from merging.ties import Ties
from registry.recipe import (
    DareRecipe,
    LinearRecipe,
    MagMaxRecipe,
    OpcmRecipe,
    SlerpRecipe,
    TaskArithmeticRecipe,
    TiesRecipe,
)
from worker.merge_job import Job
from worker.methods.method_state import Carried, carry
from worker.tensor_scope import inputs_of


@dataclass(frozen=True)
class Plan:
    """A method, what it reads, and the state that it leaves: its family, and after the merge its numbers."""

    method: AnyMethod
    inputs: Inputs
    family: str | None = None
    scalars: Callable[[], dict[str, float]] = dict
    report: Mapping[str, Any] = field(default_factory=dict)


def _average(job: Job) -> Plan:
    time = operating_time(job.merge.task.utility, utilities_before(job))
    method = Average(before=utilities_before(job), utilities=(job.merge.task.utility,))
    return Plan(method, inputs_of(job), report={"operating_time": time})


def _linear(job: Job) -> Plan:
    recipe = cast("LinearRecipe", job.merge.recipe)
    return Plan(Linear(recipe.alpha), inputs_of(job))


def _task_arithmetic(job: Job) -> Plan:
    recipe = cast("TaskArithmeticRecipe", job.merge.recipe)
    return Plan(TaskArithmetic(recipe.scaling), inputs_of(job))


def _ties(job: Job) -> Plan:
    recipe = cast("TiesRecipe", job.merge.recipe)
    return _carried(job, "ties", Ties(recipe.density, recipe.scaling, recipe.scope))


def _dare(job: Job) -> Plan:
    recipe = cast("DareRecipe", job.merge.recipe)
    name = job.merge.task.name
    if recipe.then == "task_arithmetic":
        return Plan(TaskArithmetic(recipe.scaling, dare(recipe.drop_rate, recipe.seed, [name])), inputs_of(job))
    carried = carry(job, "ties")
    # Where head itself stands for its only checkpoint, that one is not thinned: it has been merged already.
    labels = [*[None] * carried.derived, name]
    thin = dare(recipe.drop_rate, recipe.seed, labels)
    return _carried(job, "ties", Ties(recipe.density, recipe.scaling, recipe.scope, thin), carried)


def _magmax(job: Job) -> Plan:
    recipe = cast("MagMaxRecipe", job.merge.recipe)
    return _carried(job, "magmax", MagMax(recipe.scaling))


def _carried(job: Job, family: str, method: Method, carried: Carried | None = None) -> Plan:
    carried = carried or carry(job, family)
    return Plan(method, inputs_of(job, carried.parts, derived=carried.derived), family)


def _slerp(job: Job) -> Plan:
    recipe = cast("SlerpRecipe", job.merge.recipe)
    given = recipe.operating_time
    time = operating_time(job.merge.task.utility, utilities_before(job)) if isinstance(given, str) else given
    return Plan(Slerp(time), inputs_of(job), report={"operating_time": time})


def _opcm(job: Job) -> Plan:
    recipe = cast("OpcmRecipe", job.merge.recipe)
    carried = carry(job, "opcm")
    numbers = carried.scalars
    method = Opcm(
        recipe.alpha,
        job.scratch,
        count=int(numbers.get("count", 0)),
        mean_norm=numbers.get("mean_norm", 0.0),
        scale=numbers.get("scale", 1.0),
    )

    def scalars() -> dict[str, float]:
        return {"count": float(method.count), "mean_norm": method.mean_norm, "scale": method.scale}

    return Plan(method, inputs_of(job), "opcm", scalars)


def utilities_before(job: Job) -> float:
    """The utilities of all that head is made of, the base's included."""
    return job.lineage.base_utility + sum(task.utility for task in job.earlier_tasks)


PLANS: Final[Mapping[str, Callable[[Job], Plan]]] = {
    "average": _average,
    "linear": _linear,
    "task_arithmetic": _task_arithmetic,
    "ties": _ties,
    "dare": _dare,
    "magmax": _magmax,
    "slerp": _slerp,
    "opcm": _opcm,
}
"""Method name of a data-free recipe -> how it merges this job."""
