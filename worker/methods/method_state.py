"""The state that a method goes on from: the parent's own, derived from its weights where they allow it, or none."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from merging.streaming import dot
from registry.errors import MethodUnavailable
from worker.merge_job import Job
from worker.safetensors_reader import MappedFile
from worker.tensor_scope import inputs_of

_MISSING: Final = {
    "ties": "the sums and counts of the trimmed task vectors",
    "magmax": "the winning values of each entry",
    "opcm": "the mean norm of the task vectors and the scale λ",
}
"""Family -> what its state holds, in words."""


@dataclass(frozen=True)
class Carried:
    """parts and scalars: the parent's state. derived: head itself stands for the one checkpoint it consists of."""

    parts: Mapping[str, MappedFile] = field(default_factory=dict)
    scalars: Mapping[str, float] = field(default_factory=dict)
    derived: bool = False


def carry(job: Job, family: str) -> Carried:
    """The state of this family that head has or implies. Raises MethodUnavailable where it does neither."""
    state = job.parent.state
    if state is not None and state.family == family:
        parts = {part: MappedFile(job.blobs.path(digest)) for part, digest in state.parts.items()}
        return Carried(parts, state.scalars)
    if not job.parent.tasks:
        return Carried()
    if _is_one_checkpoint(job):
        scalars = {"count": 1.0, "mean_norm": _distance(job), "scale": 1.0} if family == "opcm" else {}
        return Carried(scalars=scalars, derived=True)
    made_by = job.parent.provenance.recipe.method if job.parent.provenance is not None else "something else"
    raise MethodUnavailable(
        f"{job.merge.recipe.method!r} needs {_MISSING[family]} of every task so far, which "
        f"{job.parent.reference}, made by {made_by!r} from {len(job.parent.tasks)} tasks, does not have and cannot "
        "give back. Go on with a method that needs weights and utilities alone (average, linear, task_arithmetic, "
        "slerp, or ode), or start a lineage from the base and merge its checkpoints there."
    )


def _is_one_checkpoint(job: Job) -> bool:
    """Whether head is the lineage's first checkpoint, taken as it was."""
    parent = job.parent
    made = parent.provenance
    if made is None or made.parent != 0 or len(parent.tasks) != 1:
        return False
    recipe = made.recipe.model_copy()
    method = recipe.method
    if method in {"ode", "average", "slerp"}:
        return bool((parent.report or {}).get("operating_time") == 1.0)
    whole = {"linear": "alpha", "task_arithmetic": "scaling"}
    return method == "opcm" or (method in whole and getattr(recipe, whole[method]) == 1.0)


def _distance(job: Job) -> float:
    """‖θ − θ_pre‖ over what is merged."""
    squares = 0.0
    for place in inputs_of(job).places():
        for span in place.spans():
            tau = place.head.difference(span, place.base.read(span))
            squares += dot(tau, tau)
    return math.sqrt(squares)
