"""The frozen configuration of an ODE-M merge, made from a flat recipe."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from merging.ode_recipe import RECIPE_FIELDS, parse_recipe

Rectifier = Literal["per_task", "aggregate", "none"]
Integrator = Literal["adaptive", "euler", "adams"]


@dataclass(frozen=True)
class OdeConfig:
    """One value for each field of `RECIPE_FIELDS`, under the same names; their meaning stands there."""

    preset: Literal["default", "released"]
    rectifier: Rectifier
    integrator: Integrator
    step_size: float
    tolerance: float
    smoothing: float
    smallest_step: float
    largest_step: float
    path_end: Literal["exact", "last_grid_point"]
    operating_time: Literal["utilities", "auto"] | float
    holdout: float
    auto_limit: float
    barrier_budget: float
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
    coefficients: bool
    coefficient_steps: int
    coefficient_rate: float
    refine: bool
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
    seed: int
    micro_batch: int
    precision: Literal["auto", "float32", "tf32", "bf16"]
    compile: bool

    def __post_init__(self) -> None:
        """Hold a configuration made by hand to the same ranges as a recipe."""
        for field in fields(self):
            RECIPE_FIELDS[field.name].parse(field.name, getattr(self, field.name))
        if self.excess_constraints + self.sensitivity_constraints > 4:
            raise ValueError("excess_constraints and sensitivity_constraints together are more than 4")
        if self.path_end == "last_grid_point" and self.integrator == "adaptive":
            raise ValueError('path_end "last_grid_point" needs a fixed step: integrator "euler" or "adams"')

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, object]) -> Self:
        """Make the configuration of a flat JSON recipe; ValueError says what is allowed instead."""
        values: dict[str, Any] = parse_recipe(recipe)
        return cls(**values)

    def as_recipe(self) -> dict[str, object]:
        """Return the recipe that makes this configuration, every field named."""
        return asdict(self)
