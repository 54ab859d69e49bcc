"""Recipe fields of the methods whose state gives the joint result of all task vectors, and of their approximations.

Defaults are those of each method's source, scale included; where a source has none, the field says where it is from.
"""

from typing import Final

from merging.recipe_fields import MethodRecipe, RecipeField, integer, number


def _scaling(default: float, target: str, source: str) -> RecipeField:
    doc = f"factor of {target}. Default: {source}"
    return RecipeField("number", default, doc, above=0.0, maximum=10.0)


def _share(default: float, doc: str) -> RecipeField:
    return RecipeField("number", default, doc, above=0.0, maximum=1.0)


SPECTRUM: Final = (
    MethodRecipe(
        "iso_c",
        "IsoCRecipe",
        "Iso-C: the sum of all task vectors with a flat spectrum, per matrix; exact continually. "
        "Source: arXiv 2502.04959.",
        {"scaling": _scaling(1.0, "the merged matrices", "FusionBench's configuration of Iso-C")},
        takes_tasks_out=True,
    ),
    MethodRecipe(
        "tsv_m",
        "TsvMRecipe",
        "TSV-M: the leading singular vectors of all task vectors, orthogonalised and added, per matrix; exact "
        "continually. Source: arXiv 2412.00081.",
        {"scaling": _scaling(1.0, "the merged matrices", "arXiv 2412.00081, α = 1")},
    ),
    MethodRecipe(
        "dc_merge",
        "DcMergeRecipe",
        "DC-Merge: task vectors aggregated in an orthogonal cover of their leading singular spaces, per matrix; exact "
        "continually. Source: arXiv 2603.06242.",
        {
            "density": _share(0.001, "share of a task's entries in the cover that stay. Default: the authors' code"),
            "scaling": _scaling(1.0, "the merged matrices", "1, about which the authors' code searches"),
        },
    ),
    MethodRecipe(
        "iso_cts",
        "IsoCtsRecipe",
        "Iso-CTS: a flat spectrum over the common subspace and each task's own directions, per matrix; approximate "
        "continually. Source: arXiv 2502.04959.",
        {
            "common": RecipeField(
                "number",
                0.8,
                "share of a matrix's rank that the common subspace has. Default: arXiv 2502.04959, section 5",
                minimum=0.0,
                maximum=1.0,
            ),
            "scaling": _scaling(1.0, "the merged matrices", "FusionBench's configuration of Iso-CTS"),
        },
    ),
    MethodRecipe(
        "nufilt",
        "NuFiltRecipe",
        "NUFILT's filter: τ' outside the leading right singular space of the merged update, per matrix. "
        "Source: arXiv 2509.21413.",
        {"rank": integer(128, 1, 65536, "number of protected directions. Default: the authors' configuration")},
    ),
)

SIGNS: Final = (
    MethodRecipe(
        "emr",
        "EmrRecipe",
        "EMR: elect a sign for each entry by the sum, take the largest magnitude of that sign; exact continually. "
        "Source: arXiv 2405.17461.",
        {
            "scaling": _scaling(
                0.5, "the unified vector", "MagMax's, because the source only uses the vector with masks and scales"
            )
        },
    ),
    MethodRecipe(
        "breadcrumbs",
        "BreadcrumbsRecipe",
        "Model Breadcrumbs: mask the smallest and the largest entries of each task vector, add the rest; exact "
        "continually. Source: arXiv 2312.06795.",
        {
            "density": _share(0.9, "share of a tensor's entries that stay. Default: mergekit's documentation"),
            "gamma": RecipeField(
                "number",
                0.01,
                "share of the largest entries that are masked. Default: mergekit",
                minimum=0.0,
                below=1.0,
            ),
            "scaling": _scaling(0.3, "the sum", "task arithmetic's, arXiv 2212.04089"),
        },
        takes_tasks_out=True,
    ),
    MethodRecipe(
        "della",
        "DellaRecipe",
        "DELLA: drop entries at random, small ones more often, then elect signs and average; exact continually. "
        "Source: arXiv 2406.11617.",
        {
            "density": RecipeField(
                "number",
                0.5,
                "mean probability that an entry is kept; density ± epsilon must lie between 0 and 1. Default: the "
                "middle of the source's range",
                above=0.0,
                below=1.0,
            ),
            "epsilon": RecipeField(
                "number",
                0.15,
                "half the span of the probabilities, from a row's smallest entry to its largest. Default: mergekit",
                minimum=0.0,
                below=0.5,
            ),
            "scaling": _scaling(1.0, "the elected mean", "mergekit's λ"),
            "seed": integer(0, 0, 2**53 - 1, "seed of the drops, which also differ by the task's name"),
        },
    ),
    MethodRecipe(
        "model_stock",
        "ModelStockRecipe",
        "Model Stock: the mean of all checkpoints, nearer to the base the less they agree, per tensor; exact "
        "continually. Source: arXiv 2403.19522.",
        takes_tasks_out=True,
    ),
    MethodRecipe(
        "localize_and_stitch",
        "LocalizeAndStitchRecipe",
        "Localize-and-Stitch without data: the largest entries of each task vector, averaged where they overlap; exact "
        "continually. Source: arXiv 2408.13656.",
        {
            "density": _share(0.1, "share of the model's entries that are a task's. Default: the authors' code"),
            "scaling": _scaling(1.0, "the stitched vector", "arXiv 2408.13656"),
        },
        takes_tasks_out=True,
    ),
    MethodRecipe(
        "consensus",
        "ConsensusRecipe",
        "Consensus: the sum without entries that matter to few tasks; approximate continually. "
        "Source: arXiv 2405.07813.",
        {
            "threshold": integer(2, 0, 1000, "k: tasks that must use an entry. Default: arXiv 2405.07813"),
            "mask_scale": number(0.4, 0.0, 10.0, "λ of the masks. Default: the middle of the source's 0.2 to 0.6"),
            "scaling": _scaling(0.3, "the masked sum", "task arithmetic's, arXiv 2212.04089"),
        },
    ),
    MethodRecipe(
        "pcb",
        "PcbRecipe",
        "PCB-Merging: the mean weighted by how entries compete within and between tasks; approximate continually. "
        "Source: arXiv 2410.02396.",
        {
            "density": _share(0.1, "share of a tensor's entries that get a weight. Default: the authors' code"),
            "scaling": _scaling(1.2, "the weighted mean", "the authors' code, λ = 1.2"),
        },
    ),
)

JOINT: Final = (*SPECTRUM, *SIGNS)
