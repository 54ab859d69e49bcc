"""Planners of the Gram family, whose methods continue from sums over tasks."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import torch

from merging.actmat import FAMILY as ACTMAT
from merging.actmat import actmat
from merging.aswudi import aswudi
from merging.dop import FAMILY as DOP
from merging.dop import dop
from merging.gram import GramMerge
from merging.sums import FORMAT
from merging.swudi import swudi
from merging.tact import FAMILY as TACT
from merging.tact import tact
from merging.wudi import FAMILY as WUDI
from merging.wudi import wudi
from registry.errors import MethodUnavailable


class Carried(Protocol):
    """The part of `CarriedState` (planning_states.py) that these planners read."""

    @property
    def scalars(self) -> Mapping[str, float]:
        """Numbers of the state by name."""


class GramRequest(Protocol):
    """The part of `PlanRequest` (planning.py) that these planners use; `planning` imports this module."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Every field of the recipe."""

    @property
    def state(self) -> Any:
        """The head's state."""

    @property
    def base_utility(self) -> float:
        """u_0."""

    @property
    def device(self) -> str:
        """Where the method computes."""

    def carry(self, family: str, /) -> Any:
        """The state that the merge continues from."""

    def weights(self, carried: Any, /) -> tuple[float, ...]:
        """Utilities of the checkpoints that are merged with this state."""

    def stateful(self, family: str, method: Any, carried: Any, scalars: Callable[[], dict[str, float]], /) -> Any:
        """A plan that leaves a new state."""


CONTENTS: Final[Mapping[str, str]] = {
    WUDI: "the sums of the task vectors and of their normalised second moments",
    ACTMAT: "the sums of the task vectors and of their second moments",
    TACT: "the sums of the task vectors and of their trimmed second moments",
    DOP: "the sums of the task vectors and of their second moments on both sides",
}
"""State family -> what a state of this family holds."""

CONTAINED: Final[Mapping[str, frozenset[str]]] = {ACTMAT: frozenset({DOP})}
"""State family -> families whose states hold all parts of it, under the same names."""

_IN_STATE: Final = ("density",)
"""Fields that shape the sums: every merge of a lineage must have the same."""


def _planner(family: str, make: Callable[..., GramMerge], *fields: str) -> Callable[[GramRequest], Any]:
    """fields: those of the recipe that the method takes beside scale and limit."""

    def planner(request: GramRequest) -> Any:
        values, carried = request.values, request.carry(family)
        scalars = {"format": float(FORMAT), "base_utility": request.base_utility}
        scalars |= {name: float(values[name]) for name in fields if name in _IN_STATE}
        _require_same(request, carried, scalars)
        options: dict[str, Any] = {name: values[name] for name in fields}
        method = make(
            request.weights(carried),
            base_weight=request.base_utility,
            max_moment_bytes=values["max_moment_bytes"],
            scale=values["scaling"],
            device=torch.device(request.device),
            **options,
        )
        return request.stateful(family, method, carried, lambda: scalars)

    return planner


def _require_same(request: GramRequest, carried: Carried, scalars: Mapping[str, float]) -> None:
    """Raises MethodUnavailable where the sums so far are of another format, or of other terms."""
    before = carried.scalars
    if not before:
        return
    if before.get("format") != FORMAT:
        raise MethodUnavailable(
            f"The state of {request.state.description} has format {before.get('format', 0):.0f}, and this worker reads "
            f"format {FORMAT}. Merge with a worker of the version that wrote it, or start a lineage from the base."
        )
    for name in _IN_STATE:
        if name in scalars and before.get(name) != scalars[name]:
            raise MethodUnavailable(
                f"The state of {request.state.description} has {name} {before.get(name)}, which all its merges share; "
                f'the recipe has {scalars[name]}. Send the merge with "{name}": {before.get(name)}, or start a lineage '
                "from the base."
            )


PLANNERS: Final[Mapping[str, Callable[[GramRequest], Any]]] = {
    "wudi": _planner(WUDI, wudi, "cutoff"),
    "swudi": _planner(WUDI, swudi, "time", "rank_share"),
    "aswudi": _planner(WUDI, aswudi),
    "actmat": _planner(ACTMAT, actmat),
    "tact": _planner(TACT, tact, "density"),
    "dop": _planner(DOP, dop),
}
"""Method name of a recipe -> its planner."""
