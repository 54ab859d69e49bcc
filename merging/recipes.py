"""Recipe fields of all merge methods: the one table that the gateway's schemas and the worker's planner are built from.

This module imports only the standard library, so that the gateway can use it without torch or numba.

Adding a method takes three steps:

1. `merging/<method>.py`: a class that implements `merging.streaming.Method`;
2. an entry in a table of `RECIPES` below: name, schema, summary with its source, fields. Registry, gateway, OpenAPI
   document and client schemas follow from it;
3. an entry in `worker.planning.PLANNERS`: from field values, utilities and carried state to an instance of that class.
"""

from collections.abc import Mapping
from typing import Final

from merging.recipe_fields import MethodRecipe, RecipeField, boolean, choice, integer, number
from merging.recipes_gram import GRAM
from merging.recipes_joint import JOINT

PRESETS: Final = ("default", "released")


_SCALING: Final = "λ: factor of the merged task vector"
_DENSITY: Final = RecipeField(
    "number",
    0.2,
    "share of a task vector's entries that trimming keeps; entries equal to the smallest kept one all stay",
    above=0.0,
    maximum=1.0,
)
_SCOPE: Final = choice("tensor", ("tensor", "model"), "what is trimmed at once: each tensor, or the whole model")

ODE: Final = MethodRecipe(
    "ode",
    "OdeRecipe",
    "ODE-M: follow the flow from head to checkpoint under a loss barrier for every task. "
    "Source: Lin & Kang, arXiv 2605.19409.",
    {
        "preset": choice(
            "default", PRESETS, "default of all other parameters; released: the values of the published code"
        ),
        "rectifier": choice(
            "per_task",
            ("per_task", "aggregate", "none"),
            "per_task: constraints for each task (form B); aggregate: one gradient (form A, §3.2); none: straight line",
        ),
        "endpoint": choice(
            "checkpoint",
            ("checkpoint", "joint"),
            "θ₁: the incoming checkpoint; or the closed-form solution of all tasks so far (aswudi), with T = 1",
        ),
        "integrator": choice(
            "adaptive",
            ("adaptive", "euler", "adams"),
            "adaptive: smoothed Euler with step-size control; euler: fixed step; adams: fixed step, order 2",
            released="euler",
        ),
        "step_size": number(0.05, 1e-4, 1.0, "h: step of the integrators with a fixed step", released=0.01),
        "operating_time": RecipeField(
            "number",
            "utilities",
            "T: from the tasks' utilities, chosen on held-out calibration samples (auto), or given",
            minimum=1e-6,
            maximum=1.0,
            choices=("utilities", "auto"),
        ),
        "barrier_budget": number(
            0.08, 0.0, 1e3, "B_max: how far a task's loss may rise above the line between its values at both ends"
        ),
        "coefficients": boolean(
            True, "after the path, learn how much each row of a weight takes of what was merged", released=False
        ),
        "refine": boolean(True, "after the path, descend briefly on the calibration memory", released=False),
        "seed": integer(0, 0, 2**53 - 1, "seed of all random draws: memory, held-out samples, refinement batches"),
        "micro_batch": integer(
            128, 1, 65536, "samples per pass: bounds activation memory and changes the result only by rounding"
        ),
    },
    needs_network=True,
)

_DATA_FREE: Final = (
    MethodRecipe(
        "average",
        "AverageRecipe",
        "The running average: θ + (θ' − θ) T_k with T_k from the utilities, 1/k if they are equal. "
        "Source: model soups, arXiv 2203.05482.",
    ),
    MethodRecipe(
        "linear",
        "LinearRecipe",
        "Linear interpolation: (1 − α) θ + α θ'. Source: WiSE-FT, arXiv 2109.01903.",
        {"alpha": number(0.5, 0.0, 1.0, "α: the checkpoint's share")},
    ),
    MethodRecipe(
        "task_arithmetic",
        "TaskArithmeticRecipe",
        "Task arithmetic: θ + λ τ' with τ' = θ' − θ_pre. Source: arXiv 2212.04089.",
        {"scaling": number(0.3, -10.0, 10.0, "λ: factor of the task vector; below 0 it makes the model forget it")},
    ),
    MethodRecipe(
        "ties",
        "TiesRecipe",
        "TIES: trim, elect a sign, average the entries of that sign; exact continually. Source: arXiv 2306.01708.",
        {"density": _DENSITY, "scaling": number(1.0, 0.0, 10.0, _SCALING), "scope": _SCOPE},
    ),
    MethodRecipe(
        "dare",
        "DareRecipe",
        "DARE: drop entries of τ' with probability p, divide the rest by 1 − p, then merge. Source: arXiv 2311.03099.",
        {
            "drop_rate": RecipeField("number", 0.9, "p: probability that an entry is dropped", minimum=0.0, below=1.0),
            "seed": integer(0, 0, 2**63 - 1, "seed of the drops, which also differ by the task's name"),
            "then": choice("task_arithmetic", ("task_arithmetic", "ties"), "method that merges the thinned τ'"),
            "scaling": number(0.3, 0.0, 10.0, _SCALING),
            "density": _DENSITY,
            "scope": _SCOPE,
        },
    ),
    MethodRecipe(
        "magmax",
        "MagMaxRecipe",
        "MagMax: per entry the task vector of largest magnitude so far. Source: arXiv 2407.06322.",
        {"scaling": number(0.5, 0.0, 10.0, _SCALING)},
    ),
    MethodRecipe(
        "slerp",
        "SlerpRecipe",
        "Slerp: along the great circle from θ to θ', per tensor. Source: K. Shoemake, SIGGRAPH 1985.",
        {
            "operating_time": RecipeField(
                "number",
                "utilities",
                "T: from the tasks' utilities, or given",
                minimum=0.0,
                maximum=1.0,
                choices=("utilities",),
            )
        },
    ),
    MethodRecipe(
        "opcm",
        "OpcmRecipe",
        "OPCM: project each linear weight's τ' away from the leading subspace of the merged one. "
        "Source: arXiv 2501.09522.",
        {
            "alpha": RecipeField(
                "number",
                0.5,
                "α: the leading subspace holds more than this share of the sum of singular values",
                minimum=0.0,
                below=1.0,
            )
        },
    ),
)

RECIPES: Final[Mapping[str, MethodRecipe]] = {recipe.method: recipe for recipe in (ODE, *_DATA_FREE, *GRAM, *JOINT)}
"""Method name -> its recipe."""


def complete(recipe: Mapping[str, object]) -> dict[str, object]:
    """Every field's value under a flat recipe `{"method": ..., ...}`, without `method`; unnamed fields get defaults.

    Raises ValueError for an unknown method or field and for a value out of range, saying what is allowed.
    """
    spec = RECIPES.get(str(recipe.get("method")))
    if spec is None:
        raise ValueError(f"method is {recipe.get('method')!r}; allowed: {', '.join(RECIPES)}")
    return parse_fields(spec.fields, {name: value for name, value in recipe.items() if name != "method"})


def parse_fields(fields: Mapping[str, RecipeField], values: Mapping[str, object]) -> dict[str, object]:
    """Every field's value; a field that `values` does not name gets its default, which a `preset` may change.

    Raises ValueError for an unknown field or a value out of range, saying what is allowed.
    """
    if unknown := sorted(set(values) - set(fields)):
        raise ValueError(unknown_fields(unknown, fields))
    parsed = {name: fields[name].parse(name, value) for name, value in values.items()}
    preset = str(parsed.get("preset", "default"))
    return {name: parsed.get(name, item.default_under(preset)) for name, item in fields.items()}


def unknown_fields(unknown: list[str], fields: Mapping[str, RecipeField]) -> str:
    """A sentence for a recipe that has unknown fields."""
    allowed = f"allowed: {', '.join(fields)}" if fields else "this method has no fields but `method`"
    return f"unknown recipe fields: {', '.join(unknown)}; {allowed}"
