"""Lineages: named sequences of versions of one architecture."""

from typing import Annotated

from pydantic import Field

from registry.architecture import Architecture
from registry.base_record import Name, Record, Timestamp
from registry.blob import Digest
from registry.gate import Gate
from registry.recipe import OdeRecipe, Recipe, RequestedRecipe
from registry.version import DEFAULT_LINEAGE


class LineageSpec(Record):
    """The specification of a lineage.

    architecture: absent for plain safetensors weights, which only data-free recipes can merge.
    base: the pretrained weights, version 0.
    recipe: the default of the lineage's merges.
    calibration_budget: samples in the calibration memory, of all tasks together.
    gate: the limits of every merge without a gate of its own.
    base_utility: u_0, the weight of the base model; with 0 the first checkpoint is taken as it is.
    """

    name: Name = DEFAULT_LINEAGE
    architecture: Architecture | None = None
    base: Digest
    recipe: RequestedRecipe = Field(default_factory=OdeRecipe)
    gate: Gate | None = None
    calibration_budget: Annotated[int, Field(ge=1, le=1_000_000)] = 1024
    base_utility: Annotated[float, Field(ge=0, le=1e6)] = 0.0


class Lineage(LineageSpec):
    """A stored lineage. origin: the version that it was branched from, such as `default@3`."""

    recipe: Recipe = Field(default_factory=OdeRecipe)
    origin: str | None = None
    created_at: Timestamp
