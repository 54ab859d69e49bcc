"""Recipe fields of the Gram family: joint merges from sums of the task vectors' second moments, exact continually."""

from typing import Final

from merging.recipe_fields import MethodRecipe, RecipeField, integer, number

_SCALING: Final = RecipeField(
    "number",
    1.0,
    "factor of the merged matrices from the second task on. Default: the sources have none; with eight tasks 1.3 gave "
    "half a point more on a sentence encoder and on an image backbone",
    above=0.0,
    maximum=10.0,
)

_MAX_MOMENT_BYTES: Final = integer(
    1 << 31,
    1 << 20,
    1 << 38,
    "most bytes that the second moments of one matrix may take in memory; a larger one is refused. About three times "
    "as much is in use while that matrix is merged",
)

_COMMON: Final = {"scaling": _SCALING, "max_moment_bytes": _MAX_MOMENT_BYTES}

_EXACT: Final = "; exact continually."

GRAM: Final = (
    MethodRecipe(
        "wudi",
        "WudiRecipe",
        f"WUDI: least interference with each task's own inputs, solved in full{_EXACT} Source: arXiv 2503.08099.",
        {
            "cutoff": number(
                1e-6,
                1e-8,
                1.0,
                "smallest eigenvalue that is solved for, of moments with trace 1 a task. Default: above the rounding "
                "of float32 checkpoints",
            ),
            **_COMMON,
        },
        takes_tasks_out=True,
    ),
    MethodRecipe(
        "swudi",
        "SwudiRecipe",
        f"SWUDI: WUDI's gradient flow at time t on the leading eigendirections{_EXACT} Source: arXiv 2606.07289.",
        {
            "time": RecipeField("number", 1300.0, "t. Default: arXiv 2606.07289", above=0.0, maximum=1e9),
            "rank_share": RecipeField(
                "number", 0.65, "K / in: share of the directions. Default: arXiv 2606.07289", above=0.0, maximum=1.0
            ),
            **_COMMON,
        },
        takes_tasks_out=True,
    ),
    MethodRecipe(
        "aswudi",
        "AswudiRecipe",
        f"ASWUDI: WUDI on as many eigendirections as the spectrum has effective ranks{_EXACT} "
        "Source: arXiv 2606.07289.",
        dict(_COMMON),
        takes_tasks_out=True,
    ),
    MethodRecipe(
        "actmat",
        "ActMatRecipe",
        f"ActMat: RegMean with task vectors in place of activations{_EXACT} Source: arXiv 2604.01329.",
        dict(_COMMON),
        takes_tasks_out=True,
    ),
    MethodRecipe(
        "tact",
        "TactRecipe",
        f"TACT: ActMat with task vectors trimmed where they stand for activations{_EXACT} Source: arXiv 2604.01329.",
        {
            "density": RecipeField(
                "number",
                0.5,
                "share of a matrix's entries that stay. Default: arXiv 2604.01329",
                above=0.0,
                maximum=1.0,
            ),
            **_COMMON,
        },
        takes_tasks_out=True,
    ),
    MethodRecipe(
        "dop",
        "DopRecipe",
        f"Two-sided projection: least interference with each task's inputs and outputs{_EXACT} "
        "Source: closed form of the objective of arXiv 2505.12082.",
        dict(_COMMON),
        takes_tasks_out=True,
    ),
)
