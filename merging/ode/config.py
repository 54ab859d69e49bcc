"""The frozen configuration of an ODE-M merge."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from merging.ode.parameters import PARAMETERS
from merging.recipes import ODE, parse_fields

Rectifier = Literal["per_task", "aggregate", "none"]
Integrator = Literal["adaptive", "euler", "adams"]


@dataclass(frozen=True)
class OdeConfig:
    """The value of every parameter in `PARAMETERS`, under the same names; each is described there."""

    preset: Literal["default", "released"]
    rectifier: Rectifier
    endpoint: Literal["checkpoint", "joint"]
    integrator: Integrator
    step_size: float
    operating_time: Literal["utilities", "auto"] | float
    barrier_budget: float
    coefficients: bool
    refine: bool
    seed: int
    micro_batch: int

    tolerance: float
    smoothing: float
    smallest_step: float
    largest_step: float
    path_end: Literal["exact", "last_grid_point"]
    holdout: float
    auto_limit: float

    barrier_power: float
    protect_old_only: bool
    excess_constraints: int
    sensitivity_constraints: int
    allowed_increase: float | None
    program: Literal["exact", "released"]
    program_ridge: float
    program_tolerance: float
    descent_ratio: float
    descent_ramp: float
    descent_smallest: float
    descent_largest: float
    norm_power: float
    task_weights: Literal["equal", "utilities"]
    estimator: Literal["samples", "batches"]
    batch_size: int
    max_batches: int
    backtracks: int
    shrink: float
    smallest_scale: float
    on_violation: Literal["shorten", "skip"]

    coefficient_steps: int
    coefficient_rate: float
    refine_steps: int
    refine_rate: float
    refine_unit: Literal["parameters", "distance"]
    refine_anneal: bool
    refine_anchor: float
    refine_radius: float
    refine_tolerance: float
    refine_clip: float
    refine_probe_batches: int
    refine_probe_steps: int
    crops: float
    rates_by_time: bool
    enough_samples: int

    precision: Literal["auto", "float32", "tf32", "bf16"]
    compile: bool

    def __post_init__(self) -> None:
        """Check ranges and combinations, also of a configuration made field by field. Raises ValueError."""
        for item in fields(self):
            PARAMETERS[item.name].parse(item.name, getattr(self, item.name))
        if self.excess_constraints + self.sensitivity_constraints > 4:
            raise ValueError("excess_constraints and sensitivity_constraints together are more than 4")
        if self.path_end == "last_grid_point" and self.integrator == "adaptive":
            raise ValueError('path_end "last_grid_point" needs a fixed step: integrator "euler" or "adams"')

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, object]) -> Self:
        """The configuration of a flat recipe; `method`, if given, must be "ode".

        recipe: public fields and, in experiments and in records of earlier releases, any other parameter. Raises
        ValueError, which says what is allowed.
        """
        if recipe.get("method", ODE.method) != ODE.method:
            raise ValueError(f'method is {recipe["method"]!r}; this recipe is for "{ODE.method}"')
        values: dict[str, Any] = parse_fields(PARAMETERS, {k: v for k, v in recipe.items() if k != "method"})
        if values["integrator"] == "adaptive" and "path_end" not in recipe:
            values["path_end"] = "exact"  # the grid of preset "released" is that of its own, fixed step
        return cls(**values)

    def as_recipe(self) -> dict[str, object]:
        """The recipe that makes this configuration, with every parameter named."""
        return asdict(self)
