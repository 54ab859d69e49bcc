"""Merge planner: from a recipe, input files, utilities and carried state to a method of the streaming engine.

The planner works on values alone: the worker makes a `PlanRequest` from a job, benchmarks make one from tensors in
memory, and both run what `plan` returns. See `merging.recipes` for how to add a method.

A planner of a method without state:

    "linear": lambda request: request.stateless(Linear(request.values["alpha"])),

of a method with state, whose family's name and content stand in `worker.planning_states.STATE_CONTENTS`:

    "magmax": lambda request: request.stateful("magmax", MagMax(request.values["scaling"])),
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from merging import consensus, iso_cts, nufilt, pcb
from merging.average import Average, operating_time
from merging.breadcrumbs import Breadcrumbs
from merging.consensus import Consensus
from merging.dare import dare
from merging.dc_merge import DcMerge
from merging.della import Della
from merging.emr import Emr
from merging.iso_c import IsoC
from merging.iso_cts import IsoCts
from merging.linear import Linear
from merging.localize_and_stitch import LocalizeAndStitch
from merging.magmax import MagMax
from merging.model_stock import ModelStock
from merging.nufilt import NuFilt
from merging.opcm import Opcm
from merging.pcb import Pcb
from merging.recipes import RECIPES, complete
from merging.slerp import Slerp
from merging.streaming import AnyMethod, Inputs, Source, dot
from merging.task_arithmetic import TaskArithmetic
from merging.ties import Ties
from merging.tsv_m import TsvM
from registry.errors import MethodUnavailable
from worker import planning_gram
from worker.planning_states import CarriedState, HeadState, add_states


@dataclass(frozen=True)
class Plan:
    """What to run: `merging.streaming.merge(plan.inputs, plan.method, ...)`.

    family: family of the state that the merge leaves, whose parts the method emits; None if it leaves none. scalars:
    numbers of that state, complete once the merge has ended. report: entries for the merge's report.
    """

    method: AnyMethod
    inputs: Inputs
    family: str | None = None
    scalars: Callable[[], dict[str, float]] = dict
    report: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlanRequest:
    """One merge to plan.

    recipe: flat, with `method`; unnamed fields get defaults. base, head, checkpoint: the input files. scope: whether a
    tensor of this name is merged. task, utility: of the incoming checkpoint. earlier: utilities of the head's tasks by
    name, in order, without the incoming task. base_utility: u_0. scratch: a folder for unnamed temporary files. device:
    where methods compute that can use a GPU. removed: instead of the checkpoint being merged, these checkpoints are
    taken out with these utilities. joined: instead of the checkpoint being merged, this state of another head is added.
    recompute: no checkpoint is merged; the weights are computed from the state.
    """

    recipe: Mapping[str, object]
    base: Source
    head: Source
    checkpoint: Source
    task: str
    utility: float
    scratch: Path
    state: HeadState = field(default_factory=HeadState)
    earlier: Mapping[str, float] = field(default_factory=dict)
    base_utility: float = 0.0
    scope: Callable[[str], bool] = lambda _: True
    device: str = "cpu"
    removed: tuple[tuple[Source, float], ...] = ()
    joined: HeadState | None = None
    recompute: bool = False

    @property
    def from_state(self) -> bool:
        """Whether the state alone decides the weights."""
        return self.recompute or self.joined is not None

    @property
    def method(self) -> str:
        """The recipe's method."""
        return str(self.recipe["method"])

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """Every field's value. Raises ValueError if the recipe is not valid."""
        return complete(self.recipe)

    @property
    def utilities_before(self) -> float:
        """Sum of the utilities of all that the head consists of, the base's included."""
        return self.base_utility + sum(self.earlier.values())

    @property
    def operating_time(self) -> float:
        """T_k by the utilities."""
        return operating_time(self.utility, self.utilities_before)

    def carry(self, family: str) -> CarriedState:
        """The state of this family that the merge continues from. Raises MethodUnavailable."""
        carried = self.state.carry(family, self.method)
        if self.joined is None:
            return carried
        return add_states(carried, self.joined.carry(family, self.method), self.state, self.joined)

    def weights(self, carried: CarriedState) -> tuple[float, ...]:
        """The utilities of the checkpoints that are merged with this state, negative to take one out."""
        if self.removed:
            return tuple(-utility for _, utility in self.removed)
        head = (sum(self.earlier.values()),) if carried.derived else ()
        return head if self.from_state else (*head, self.utility)

    def labels(self, carried: CarriedState) -> list[str | None]:
        """The tasks' names of those checkpoints; None for a head that stands for its only one."""
        return [*[None] * carried.derived, self.task]

    def inputs(self, carried: CarriedState | None = None) -> Inputs:
        """The files for the streaming engine, with the carried state."""
        carried = carried or CarriedState()
        if self.removed:
            removed = tuple(checkpoint for checkpoint, _ in self.removed)
            return Inputs(self.base, self.head, removed, carried.parts, self.scope)
        head = (self.head,) if carried.derived else ()
        if self.from_state:
            return Inputs(self.base, self.head, head, carried.parts, self.scope, from_state=True)
        return Inputs(self.base, self.head, (*head, self.checkpoint), carried.parts, self.scope)

    def stateless(self, method: AnyMethod, **report: Any) -> Plan:
        """A plan that needs and leaves no state."""
        return Plan(method, self.inputs(), report=report)

    def stateful(
        self,
        family: str,
        method: AnyMethod,
        carried: CarriedState | None = None,
        scalars: Callable[[], dict[str, float]] = dict,
    ) -> Plan:
        """A plan that continues the head's state of this family and leaves a new one. Raises MethodUnavailable."""
        return Plan(method, self.inputs(carried or self.carry(family)), family, scalars)


def plan(request: PlanRequest) -> Plan:
    """The plan of a merge by a data-free method.

    Raises MethodUnavailable if the head lacks the state that the method needs, ValueError if the recipe is not valid.
    """
    if request.removed and (not RECIPES[request.method].takes_tasks_out or request.state.family is None):
        raise MethodUnavailable(f"{request.method!r} cannot take a task out of {request.state.description}")
    if request.from_state and not RECIPES[request.method].takes_tasks_out:
        raise MethodUnavailable(f"{request.method!r} has no state that is a sum, so it needs a checkpoint to merge.")
    return PLANNERS[request.method](request)


def _average(request: PlanRequest) -> Plan:
    method = Average(before=request.utilities_before, utilities=(request.utility,))
    return request.stateless(method, operating_time=request.operating_time)


def _dare(request: PlanRequest) -> Plan:
    values = request.values
    if values["then"] == "task_arithmetic":
        thin = dare(values["drop_rate"], values["seed"], [request.task])
        return request.stateless(TaskArithmetic(values["scaling"], thin))
    carried = request.carry("ties")
    # A head that stands for its only checkpoint is not thinned: it has been merged already.
    thin = dare(values["drop_rate"], values["seed"], request.labels(carried))
    return request.stateful("ties", Ties(values["density"], values["scaling"], values["scope"], thin), carried)


def _slerp(request: PlanRequest) -> Plan:
    given = request.values["operating_time"]
    time = request.operating_time if isinstance(given, str) else given
    return request.stateless(Slerp(time), operating_time=time)


def _opcm(request: PlanRequest) -> Plan:
    carried = request.carry("opcm")
    numbers = carried.scalars
    if carried.derived:
        numbers = {"count": 1.0, "mean_norm": distance(request.inputs()), "scale": 1.0}
    method = Opcm(
        request.values["alpha"],
        request.scratch,
        count=int(numbers.get("count", 0)),
        mean_norm=numbers.get("mean_norm", 0.0),
        scale=numbers.get("scale", 1.0),
    )

    def scalars() -> dict[str, float]:
        return {"count": float(method.count), "mean_norm": method.mean_norm, "scale": method.scale}

    return request.stateful("opcm", method, CarriedState(), scalars)


def distance(inputs: Inputs) -> float:
    """‖θ − θ_pre‖ of the head over all merged tensors."""
    squares = 0.0
    for slot in inputs.slots():
        for span in slot.spans():
            tau = slot.head.difference(span, slot.base.read(span))
            squares += dot(tau, tau)
    return math.sqrt(squares)


def _matrices(request: PlanRequest, family: str, make: Callable[..., AnyMethod], **fields: Any) -> Plan:
    """A plan for a method of sums that solves each matrix. make: from weights, the base's and fields to the method."""
    carried = request.carry(family)
    method = make(request.weights(carried), base_weight=request.base_utility, scale=request.values["scaling"], **fields)
    return request.stateful(family, method, carried)


def _counted(request: PlanRequest, family: str, make: Callable[[int], AnyMethod]) -> Plan:
    """A plan for a method that needs T, which its state counts. make: from T after the merge to the method."""
    carried = request.carry(family)
    tasks = int(carried.scalars.get("tasks", 0)) + sum(1 if weight > 0 else -1 for weight in request.weights(carried))
    return request.stateful(family, make(tasks), carried, lambda: {"tasks": float(tasks)})


def _masked(request: PlanRequest, family: str, method: AnyMethod, *fields: str) -> Plan:
    """A plan for a method that adds up masked task vectors. fields: those that shape the masks.

    All merges of a state share them, because a task is taken out by its mask. Raises MethodUnavailable.
    """
    carried = request.carry(family)
    masks = {name: float(request.values[name]) for name in fields}
    for name, value in masks.items():
        if (before := carried.scalars.get(name, value)) != value:
            raise MethodUnavailable(
                f"The state of {request.state.description} has {name} {before:g}, which all its merges share; the "
                f'recipe has {value:g}. Send the merge with "{name}": {before:g}, or start a lineage from the base.'
            )
    return request.stateful(family, method, carried, lambda: masks)


def _breadcrumbs(request: PlanRequest) -> Plan:
    values = request.values
    method = Breadcrumbs(values["density"], values["gamma"], values["scaling"], remove=bool(request.removed))
    return _masked(request, "breadcrumbs", method, "density", "gamma")


def _localize_and_stitch(request: PlanRequest) -> Plan:
    method = LocalizeAndStitch(request.values["density"], request.values["scaling"], remove=bool(request.removed))
    return _masked(request, "localize_and_stitch", method, "density")


def _approximate(plan: Plan, sentence: str) -> Plan:
    """The plan with a sentence on what the method approximates in the report."""
    return replace(plan, report={**plan.report, "approximation": sentence})


def _della(request: PlanRequest) -> Plan:
    values, carried = request.values, request.carry("ties")
    method = Della(values["density"], values["epsilon"], values["scaling"], values["seed"], request.labels(carried))
    return request.stateful("ties", method, carried)


def _consensus(request: PlanRequest) -> Plan:
    values = request.values
    plan = _counted(
        request,
        "consensus",
        lambda tasks: Consensus(tasks, values["threshold"], values["mask_scale"], values["scaling"]),
    )
    return _approximate(plan, consensus.APPROXIMATION)


def _pcb(request: PlanRequest) -> Plan:
    values = request.values
    plan = _counted(request, "pcb", lambda tasks: Pcb(tasks, values["density"], values["scaling"]))
    return _approximate(plan, pcb.APPROXIMATION)


PLANNERS: Final[Mapping[str, Callable[[PlanRequest], Plan]]] = {
    "average": _average,
    "linear": lambda request: request.stateless(Linear(request.values["alpha"])),
    "task_arithmetic": lambda request: request.stateless(TaskArithmetic(request.values["scaling"])),
    "ties": lambda request: request.stateful(
        "ties", Ties(request.values["density"], request.values["scaling"], request.values["scope"])
    ),
    "dare": _dare,
    "magmax": lambda request: request.stateful("magmax", MagMax(request.values["scaling"])),
    "slerp": _slerp,
    "opcm": _opcm,
    "iso_c": lambda request: _matrices(request, "sums", IsoC),
    "tsv_m": lambda request: _matrices(request, "singular_triples", TsvM),
    "dc_merge": lambda request: _matrices(request, "singular_triples", DcMerge, density=request.values["density"]),
    "iso_cts": lambda request: _approximate(
        _matrices(request, "singular_triples", IsoCts, common=request.values["common"]), iso_cts.APPROXIMATION
    ),
    "nufilt": lambda request: _approximate(
        request.stateless(NuFilt(len(request.earlier), request.values["rank"])), nufilt.APPROXIMATION
    ),
    "emr": lambda request: request.stateful("emr", Emr(request.values["scaling"])),
    "breadcrumbs": _breadcrumbs,
    "della": _della,
    "model_stock": lambda request: _counted(
        request, "model_stock", lambda tasks: ModelStock(tasks, remove=bool(request.removed))
    ),
    "localize_and_stitch": _localize_and_stitch,
    "consensus": _consensus,
    "pcb": _pcb,
    **planning_gram.PLANNERS,
}
"""Method name of a data-free recipe -> its planner."""
