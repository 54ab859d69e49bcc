"""Parameters of ODE-M: the public recipe fields, and those that only presets and experiments set.

`PARAMETERS` is what an `OdeConfig` holds. A recipe that comes by HTTP has the fields of `merging.recipes.ODE` alone;
all others take their values from the preset. Where a field has a value under "released", the preset of that name
computes with it what the published code computes.
Source: Lin & Kang, "Unlocking the Potential of Continual Model Merging", arXiv 2605.19409, and its code.
"""

from collections.abc import Mapping
from typing import Final

from merging.recipe_fields import RecipeField, boolean, choice, integer, number
from merging.recipes import ODE

_PATH: Final[Mapping[str, RecipeField]] = {
    "tolerance": number(0.05, 1e-6, 10.0, "adaptive: error allowed per unit of time, relative to the flow's speed"),
    "smoothing": number(0.6, 0.0, 0.99, "adaptive: β, weight of the previous velocity in a step's velocity"),
    "smallest_step": number(0.2, 1e-4, 1.0, "adaptive: shortest step, as a share of the path"),
    "largest_step": number(0.34, 1e-4, 1.0, "adaptive: longest step, as a share of the path"),
    "path_end": choice(
        "exact",
        ("exact", "last_grid_point"),
        "where the path stops: at T, or at the last multiple of h up to T",
        released="last_grid_point",
    ),
    "holdout": number(0.25, 0.05, 0.5, "operating_time auto: share of each task's samples that is held out"),
    "auto_limit": number(
        2.0, 1.0, 100.0, "operating_time auto: the path is followed to this multiple of the utilities' T, at most 1"
    ),
}

_RECTIFIER: Final[Mapping[str, RecipeField]] = {
    "barrier_power": number(2.0, 0.0, 100.0, "p: the barrier is B_max (1 - t)^p"),
    "protect_old_only": boolean(False, "ceilings for earlier tasks only, constant at their losses at the path's start"),
    "excess_constraints": integer(2, 0, 4, "per_task: number of constrained tasks, those nearest to their ceilings"),
    "sensitivity_constraints": integer(
        2, 0, 4, "per_task: number of constrained tasks, those that the flow harms most"
    ),
    "allowed_increase": RecipeField(
        "number",
        0.0,
        "per_task: rise of a constrained loss allowed in one step; null: up to the ceiling",
        minimum=0.0,
        maximum=1e3,
        nullable=True,
    ),
    "program": choice(
        "exact",
        ("exact", "released"),
        "solver of the quadratic program; released: the published code's, which gives up early",
        released="released",
    ),
    "program_ridge": number(1e-6, 0.0, 1.0, "released program: added to the Gram matrix's diagonal"),
    "program_tolerance": number(1e-6, 0.0, 1.0, "residual that counts as met; relative for the exact program"),
    "descent_ratio": number(
        0.1, 0.0, 100.0, "ρ: size of the descent along the macro gradient, relative to the flow", released=0.24
    ),
    "descent_ramp": number(0.0, -1.0, 100.0, "r: the ratio grows to ρ (1 + r) along the path"),
    "descent_smallest": number(0.0, 0.0, 1e9, "η_min"),
    "descent_largest": number(1e6, 0.0, 1e9, "η_max"),
    "norm_power": number(0.25, 0.0, 2.0, "q: task gradients are divided by their norm to this power"),
    "task_weights": choice("equal", ("equal", "utilities"), "weights of the tasks' losses in the macro gradient"),
    "estimator": choice(
        "samples",
        ("samples", "batches"),
        "samples: means over all samples; batches: the published sums over batches, constraints from the first",
        released="batches",
    ),
    "batch_size": integer(128, 1, 65536, "estimator batches, and refinement: samples per batch"),
    "max_batches": integer(8, 1, 65536, "estimator batches: number of leading batches of a task that are read"),
    "backtracks": integer(8, 1, 64, "line search: largest number of lengths tried for a step"),
    "shrink": number(0.7, 0.05, 0.95, "line search: factor from one length to the next"),
    "smallest_scale": number(1e-4, 0.0, 1.0, "line search: smallest scale of a step"),
    "on_violation": choice(
        "shorten",
        ("shorten", "skip"),
        "shorten: time advances by the shortened step and a blocked path stops; skip: time advances by h in any case",
        released="skip",
    ),
}

_AFTER_PATH: Final[Mapping[str, RecipeField]] = {
    "coefficient_steps": integer(14, 1, 100000, "coefficients: Adam steps"),
    "coefficient_rate": number(0.05, 0.0, 10.0, "coefficients: learning rate, annealed to 0 by a cosine"),
    "refine_steps": integer(8, 1, 100000, "refinement: AdamW steps", released=80),
    "refine_rate": number(0.015, 0.0, 1.0, "refinement: learning rate, in `refine_unit`", released=1e-6),
    "refine_unit": choice(
        "distance",
        ("distance", "parameters"),
        "unit of the rate; distance: in each tensor the root mean square of checkpoint - head; parameters: 1",
        released="parameters",
    ),
    "refine_anneal": boolean(True, "refinement: anneal the rate to 0 by a cosine", released=False),
    "refine_anchor": number(1e-3, 0.0, 1e6, "refinement: weight of the relative squared distance to the path's end"),
    "refine_radius": number(
        0.05, 0.0, 1e3, "refinement: trust region, relative to the parameters' norm", released=1e-3
    ),
    "refine_tolerance": number(0.02, 0.0, 1e3, "refinement: largest rise of any task's loss that is accepted"),
    "refine_clip": number(1.0, 0.0, 1e9, "refinement: largest gradient norm, 0 for no limit"),
    "refine_probe_batches": integer(4, 1, 65536, "refinement: leading batches of a task that evaluate a snapshot"),
    "refine_probe_steps": integer(
        8, 1, 65536, "refinement: evaluate after every so many steps and after the last", released=1
    ),
    "crops": number(
        0.1, 0.0, 0.9, "coefficients, refinement: random crops lose up to this share of an image's area", released=0.0
    ),
    "rates_by_time": boolean(
        True, "coefficients, refinement: multiply rates by 2T, at most by 1; T is the task's share", released=False
    ),
    "enough_samples": integer(
        40,
        0,
        2**53 - 1,
        "coefficients, refinement: a task with n samples, fewer than this, multiplies rates by n / this",
        released=0,
    ),
}

_DEVICE: Final[Mapping[str, RecipeField]] = {
    "precision": choice(
        "auto",
        ("auto", "float32", "tf32", "bf16"),
        "of the passes; state is float32, decisions float64; auto: bf16 on GPUs that have it, else float32",
        released="float32",
    ),
    "compile": boolean(False, "compile the tower's passes with torch.compile"),
}

PARAMETERS: Final[Mapping[str, RecipeField]] = {**ODE.fields, **_PATH, **_RECTIFIER, **_AFTER_PATH, **_DEVICE}
"""Name -> field of every parameter, the public ones first."""
