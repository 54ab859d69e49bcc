"""Progress steps, the report and the outcome of an ODE-M merge."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from torch import Tensor


class Cancelled(Exception):
    """The merge was stopped between two steps because the caller asked for it."""


@dataclass(frozen=True)
class Step:
    """One step of the path, of the coefficients ("weighing"), or of the refinement ("refining").

    `t` and `t_next` are its ends; `T` is the path's end (or the horizon that is followed to choose it); `losses` and
    `ceilings` by task name at `t_next`; `scale` is the accepted share of the step `h`, 0 if it was refused;
    `trials` how many lengths were tried. `eta`, `bounds`, `multipliers`, `gram`, `feasible` say how the velocity was
    bent, `error` is the integrator's estimate. After the path each phase counts its own steps, and the losses may be
    those of a step's crops.
    """

    number: int
    phase: str
    t: float
    t_next: float
    T: float
    losses: dict[str, float]
    ceilings: dict[str, float | None] = field(default_factory=dict)
    h: float = 0.0
    scale: float = 1.0
    trials: int = 1
    flow_speed: float = 0.0
    eta: float = 0.0
    bounds: dict[str, float] = field(default_factory=dict)
    multipliers: dict[str, float] = field(default_factory=dict)
    gram: list[list[float]] = field(default_factory=list)
    feasible: bool = True
    error: float | None = None


@dataclass
class Report:
    """Measurements of a merge. `status` is "completed", "blocked" or "not_finite"; `message` explains it.

    `operating_time` is where the path ended, `intended_time` where it was to end, `time_reason` why there.
    Losses are by task name, at θ₀, θ₁ and the result, on the samples that the path used.
    """

    status: str = "completed"
    message: str = ""
    operating_time: float = 0.0
    intended_time: float = 0.0
    time_reason: str = ""
    losses_before: dict[str, float] = field(default_factory=dict)
    losses_incoming: dict[str, float] = field(default_factory=dict)
    losses_after: dict[str, float] = field(default_factory=dict)
    held_out: list[dict[str, object]] = field(default_factory=list)
    coefficients: dict[str, object] = field(default_factory=dict)
    refinement: dict[str, object] = field(default_factory=dict)
    infeasible_steps: int = 0
    refused_steps: int = 0
    gradient_evaluations: float = 0.0
    forward_samples: int = 0
    backward_samples: int = 0
    parameters: int = 0
    seconds: float = 0.0
    device: str = ""
    precision: str = ""
    recipe: dict[str, object] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON-ready values; numbers that are not finite become null."""
        cleaned = _json_ready(asdict(self))
        assert isinstance(cleaned, dict)  # noqa: S101  # a dataclass gives a dict
        return cleaned


@dataclass(frozen=True)
class Outcome:
    """The merged parameters, float32 on the tower's device, by name; and the report.

    The parameters are views of one buffer, which the tower's own parameters view too: clone what has to outlive
    another use of the tower.
    """

    parameters: dict[str, Tensor]
    report: Report


def _json_ready(value: object) -> object:
    """Replace numbers that are not finite by None, recursively."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _json_ready(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_ready(item) for item in value]
    return value
