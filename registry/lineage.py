"""Lineages: named sequences of versions of one architecture."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from registry.architecture import Architecture
from registry.base_record import Name, Record, Timestamp
from registry.blob import Digest
from registry.gate import Gate
from registry.recipe import AswudiRecipe, OdeRecipe, Recipe, RequestedRecipe
from registry.version import DEFAULT_LINEAGE


def _default_recipe(fields: Mapping[str, Any]) -> Recipe:
    """ODE-M for a lineage with an architecture; without one, the strongest method that needs no samples: ASWUDI.

    fields: those of the specification that are valid so far.
    """
    return AswudiRecipe() if fields.get("architecture") is None else OdeRecipe()


class LineageSpec(Record):
    """The specification of a lineage."""

    name: Name = Field(DEFAULT_LINEAGE, description="Name of the lineage.")
    architecture: Architecture | None = Field(
        None, description="The network; absent for plain safetensors weights, which only data-free recipes can merge."
    )
    base: Digest = Field(description="Digest of the pretrained weights, version 0.")
    recipe: RequestedRecipe = Field(
        default_factory=_default_recipe,
        description="Default recipe of merges; if absent, ODE-M with an architecture and ASWUDI without one.",
    )
    gate: Gate | None = Field(None, description="Limits of every merge without a gate of its own.")
    calibration_budget: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        1024, description="Samples in the calibration memory, of all tasks together."
    )
    base_utility: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0.0, description="Importance u_0 of the base; with 0 the first checkpoint is taken as it is."
    )


class Lineage(LineageSpec):
    """A stored lineage. origin: the version that it was branched from, such as `default@3`."""

    recipe: Recipe = Field(default_factory=OdeRecipe)
    origin: str | None = None
    created_at: Timestamp
