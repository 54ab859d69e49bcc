"""The fields of an ODE-M recipe, as data and without torch, so that a gateway can mirror the table.

Where a field has a `released` value, the preset of that name sets it, so that the recipe
``{"preset": "released"}`` computes what the published code computes.

Source: Lin & Kang, "Unlocking the Potential of Continual Model Merging", arXiv 2605.19409, and its code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

METHOD: Final = "ode"
PRESETS: Final = ("default", "released")


@dataclass(frozen=True)
class RecipeField:
    """What one recipe field may hold.

    `type` is one of "choice", "float", "integer", "boolean"; `nullable` says that null is a value too;
    `choices` are strings that are allowed (beside numbers, where the type is "float").
    `released` is the value under the preset "released"; None there means that it is `default`.
    """

    type: str
    default: object
    doc: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    nullable: bool = False
    released: object = None

    def parse(self, name: str, value: object) -> object:
        """Return `value` in the field's type, or raise ValueError saying what is allowed."""
        if value is None and self.nullable:
            return None
        if isinstance(value, str) and value in self.choices:
            return value
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if self.type == "boolean" and isinstance(value, bool):
            return value
        if self.type == "integer" and number and value == int(value) and self._within(value):  # type: ignore[arg-type, call-overload]
            return int(value)  # type: ignore[call-overload]
        if self.type == "float" and number and self._within(float(value)):  # type: ignore[arg-type]
            return float(value)  # type: ignore[arg-type]
        raise ValueError(f"{name} is {value!r}; allowed: {self.allowed()}")

    def _within(self, value: float) -> bool:
        """Say whether a number lies in the field's closed range; NaN never does."""
        low = self.minimum is None or value >= self.minimum
        return low and (self.maximum is None or value <= self.maximum) and abs(value) != float("inf") and value == value

    def allowed(self) -> str:
        """Return one phrase that says which values the field takes."""
        parts = [f'"{choice}"' for choice in self.choices]
        if self.type == "boolean":
            parts.append("true or false")
        if self.type in ("integer", "float"):
            kind = "an integer" if self.type == "integer" else "a number"
            form = ".0f" if self.type == "integer" else "g"
            low = "" if self.minimum is None else f" from {self.minimum:{form}}"
            high = "" if self.maximum is None else f" to {self.maximum:{form}}"
            parts.append(kind + low + high)
        if self.nullable:
            parts.append("null")
        return ", ".join(parts)


def _choice(default: str, choices: tuple[str, ...], doc: str, released: str | None = None) -> RecipeField:
    return RecipeField("choice", default, doc, choices=choices, released=released)


def _float(default: float, low: float, high: float, doc: str, released: float | None = None) -> RecipeField:
    return RecipeField("float", default, doc, minimum=low, maximum=high, released=released)


def _integer(default: int, low: int, high: int, doc: str, released: int | None = None) -> RecipeField:
    return RecipeField("integer", default, doc, minimum=low, maximum=high, released=released)


RECIPE_FIELDS: Final[Mapping[str, RecipeField]] = {
    "preset": _choice("default", PRESETS, "where unnamed fields take their values; released: the published code's"),
    "rectifier": _choice(
        "per_task",
        ("per_task", "aggregate", "none"),
        "per_task: constraints for each task (form B); aggregate: one gradient (form A, §3.2); none: straight line",
    ),
    "integrator": _choice(
        "adaptive",
        ("adaptive", "euler", "adams"),
        "adaptive: smoothed Euler with step-size control; euler: fixed step; adams: fixed step, order 2",
        "euler",
    ),
    "step_size": _float(0.05, 1e-4, 1.0, "h of the integrators with a fixed step", 0.01),
    "tolerance": _float(0.05, 1e-6, 10.0, "adaptive: error allowed per unit of time, relative to the flow's speed"),
    "smoothing": _float(0.6, 0.0, 0.99, "adaptive: β, the share of the velocity before in a step's velocity"),
    "smallest_step": _float(0.2, 1e-4, 1.0, "adaptive: no step is chosen shorter than this share of the path"),
    "largest_step": _float(0.34, 1e-4, 1.0, "adaptive: no step is longer than this share of the path"),
    "path_end": _choice(
        "exact",
        ("exact", "last_grid_point"),
        "where the path stops: at T, or at the last multiple of h up to T",
        "last_grid_point",
    ),
    "operating_time": RecipeField(
        "float",
        "utilities",
        "T: from the tasks' utilities, chosen on held-out calibration samples, or given",
        minimum=1e-6,
        maximum=1.0,
        choices=("utilities", "auto"),
    ),
    "holdout": _float(0.25, 0.05, 0.5, "auto: share of each task's calibration samples kept to judge times by"),
    "auto_limit": _float(2.0, 1.0, 100.0, "auto: the path is followed to this multiple of the utilities' T, at most 1"),
    "barrier_budget": _float(0.08, 0.0, 1e3, "B_max: how far a loss may rise above the line between its ends"),
    "barrier_power": _float(2.0, 0.0, 100.0, "p: the barrier is B_max (1 - t)^p"),
    "protect_old_only": RecipeField("boolean", False, "ceilings for the old tasks only, level at their first losses"),
    "excess_constraints": _integer(2, 0, 4, "per_task: how many tasks nearest to their ceilings are constrained"),
    "sensitivity_constraints": _integer(2, 0, 4, "per_task: how many tasks that the flow harms most are constrained"),
    "allowed_increase": RecipeField(
        "float",
        0.0,
        "per_task: rise of a constrained loss allowed in one step; null: as the ceilings allow",
        minimum=0.0,
        maximum=1e3,
        nullable=True,
    ),
    "program": _choice(
        "exact",
        ("exact", "released"),
        "how the quadratic program is solved; released: with its early giving up",
        "released",
    ),
    "program_ridge": _float(1e-6, 0.0, 1.0, "released program: added to the Gram matrix's diagonal"),
    "program_tolerance": _float(1e-6, 0.0, 1.0, "residual that counts as met; exact program: relative"),
    "descent_ratio": _float(
        0.1, 0.0, 100.0, "ρ: size of the descent along the macro gradient, relative to the flow", 0.24
    ),
    "descent_ramp": _float(0.0, -1.0, 100.0, "r: the ratio grows to ρ (1 + r) along the path"),
    "descent_smallest": _float(0.0, 0.0, 1e9, "η_min"),
    "descent_largest": _float(1e6, 0.0, 1e9, "η_max"),
    "norm_power": _float(0.25, 0.0, 2.0, "q: task gradients count divided by their norm to this power"),
    "task_weights": _choice("equal", ("equal", "utilities"), "weights of the tasks' losses in the macro gradient"),
    "estimator": _choice(
        "samples",
        ("samples", "batches"),
        "samples: means over all samples; batches: the published sums over batches, constraints from the first",
        "batches",
    ),
    "batch_size": _integer(128, 1, 65536, "estimator batches and refinement: samples in a batch"),
    "max_batches": _integer(8, 1, 65536, "estimator batches: how many leading batches of a task are read"),
    "backtracks": _integer(8, 1, 64, "how many lengths of a step are tried"),
    "shrink": _float(0.7, 0.05, 0.95, "factor from one tried length to the next"),
    "smallest_scale": _float(1e-4, 0.0, 1.0, "no step is shortened below this scale"),
    "on_violation": _choice(
        "shorten",
        ("shorten", "skip"),
        "a shortened step: time advances with it and a blocked path stops; or time advances by h whatever happens",
        "skip",
    ),
    "coefficients": RecipeField(
        "boolean",
        True,
        "learn, after the path, how much each row takes of what was merged",
        released=False,
    ),
    "coefficient_steps": _integer(14, 1, 100000, "coefficients: Adam steps"),
    "coefficient_rate": _float(0.05, 0.0, 10.0, "coefficients: learning rate, which falls to nothing along a cosine"),
    "refine": RecipeField("boolean", True, "a short descent on the memory around the path's end", released=False),
    "refine_steps": _integer(8, 1, 100000, "refinement: AdamW steps", 80),
    "refine_rate": _float(0.015, 0.0, 1.0, "refinement: learning rate, in the unit below", 1e-6),
    "refine_unit": _choice(
        "distance",
        ("distance", "parameters"),
        "distance: in each tensor the root mean square of what lies between head and checkpoint; parameters: 1",
        "parameters",
    ),
    "refine_anneal": RecipeField(
        "boolean", True, "refinement: the rate falls to nothing along a cosine", released=False
    ),
    "refine_anchor": _float(1e-3, 0.0, 1e6, "refinement: weight of the relative squared distance to the path's end"),
    "refine_radius": _float(0.05, 0.0, 1e3, "refinement: trust region, relative to the parameters' norm", 1e-3),
    "refine_tolerance": _float(0.02, 0.0, 1e3, "refinement: rise of any task's loss that a kept result may have"),
    "refine_clip": _float(1.0, 0.0, 1e9, "refinement: largest gradient norm, 0 for no limit"),
    "refine_probe_batches": _integer(4, 1, 65536, "refinement: leading batches of a task that judge a result"),
    "refine_probe_steps": _integer(8, 1, 65536, "refinement: a result is judged every so many steps, and the last", 1),
    "crops": _float(
        0.1, 0.0, 0.9, "coefficients and refinement: random crops lose up to this share of an image's area", 0.0
    ),
    "rates_by_time": RecipeField(
        "boolean",
        True,
        "coefficients and refinement: rates are multiplied by 2T, at most by 1; T is the incoming task's share",
        released=False,
    ),
    "enough_samples": _integer(
        40,
        0,
        2**53 - 1,
        "coefficients and refinement: where a task has n calibration samples, fewer, rates are multiplied by n / this",
        0,
    ),
    "seed": _integer(0, 0, 2**53 - 1, "of everything drawn: the held-out samples and the refinement's batches"),
    "micro_batch": _integer(128, 1, 65536, "samples in one pass: bounds activation memory, not the result"),
    "precision": _choice(
        "auto",
        ("auto", "float32", "tf32", "bf16"),
        "of the passes; state and decisions stay float32 and float64; auto: bf16 where a GPU has it, else float32",
        "float32",
    ),
    "compile": RecipeField("boolean", False, "compile the tower's passes with torch.compile"),
}


def parse_recipe(recipe: Mapping[str, object]) -> dict[str, object]:
    """Return every field's value under a flat JSON recipe; `method`, where given, must be "ode".

    Raises ValueError on an unknown field or a value out of range, saying what is allowed.
    """
    given = dict(recipe)
    method = given.pop("method", METHOD)
    if method != METHOD:
        raise ValueError(f'method is {method!r}; this recipe is for "{METHOD}"')
    unknown = sorted(set(given) - set(RECIPE_FIELDS))
    if unknown:
        raise ValueError(f"unknown recipe fields: {', '.join(unknown)}; allowed: {', '.join(RECIPE_FIELDS)}")
    parsed = {name: RECIPE_FIELDS[name].parse(name, value) for name, value in given.items()}
    released = parsed.get("preset") == "released"
    values: dict[str, object] = {}
    for name, field in RECIPE_FIELDS.items():
        preset = field.released if released and field.released is not None else field.default
        values[name] = parsed.get(name, preset)
    return values
