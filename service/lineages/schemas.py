"""Schemas of lineages, aliases, rollback, branch and retention."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from registry.alias import Alias
from registry.architecture import Architecture
from registry.base_record import Name
from registry.blob import Digest
from registry.gate import Gate
from registry.lineage import Lineage
from registry.recipe import Recipe


class LineageView(BaseModel):
    """A lineage."""

    name: str = Field(description="Name of the lineage.", examples=["default"])
    architecture: Architecture | None = Field(description="The network; null: only data-free methods run.")
    base: Digest = Field(description="Digest of the base, the weights of version 0.")
    recipe: Recipe = Field(description="Default recipe of merges.")
    gate: Gate | None = Field(description="Default quality gate of merges.")
    calibration_budget: int = Field(description="Most samples that the calibration memory keeps.")
    base_utility: float = Field(description="Importance of the base among the tasks; 0: the base does not count.")
    origin: str | None = Field(description="The version that the lineage branched off from.")
    created_at: datetime = Field(description="When the lineage was created.")
    head: str = Field(description="Name of the newest version.", examples=["default@3"])

    @classmethod
    def from_lineage(cls, lineage: Lineage, head: int) -> Self:
        """The view of a record."""
        return cls(**dict(lineage), head=f"{lineage.name}@{head}")


class LineagePage(BaseModel):
    """Lineages, by name."""

    lineages: list[LineageView] = Field(description="The lineages on this page.")
    next: str | None = Field(description="Cursor of the next page, null on the last.")


class AliasTarget(BaseModel):
    """The version that an alias is to name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(description="A number, `latest` or another alias of the same lineage.", examples=["3"])


class AliasView(BaseModel):
    """An alias."""

    name: str = Field(description="Name of the alias.", examples=["production"])
    version: str = Field(description="Full name of the version.", examples=["default@3"])
    updated_at: datetime = Field(description="When the alias was last set.")

    @classmethod
    def from_alias(cls, alias: Alias) -> Self:
        """The view of a record."""
        return cls(name=alias.name, version=f"{alias.lineage}@{alias.version}", updated_at=alias.updated_at)


class AliasPage(BaseModel):
    """A lineage's aliases, by name."""

    aliases: list[AliasView] = Field(description="The aliases on this page.")
    next: str | None = Field(description="Cursor of the next page, null on the last.")


class RollbackRequest(AliasTarget):
    """The version to roll back to."""


class BranchRequest(AliasTarget):
    """A new lineage and the version that it starts from."""

    name: Name = Field(description="Name of the new lineage.")
    version: str = Field("latest", description="A number, `latest` or an alias of the old lineage.")


class RetentionView(BaseModel):
    """A lineage's retention rule and its effect, in numbers of versions."""

    keep_last: int | None = Field(description="How many of the newest versions are kept; null: all.")
    pins: list[int] = Field(description="Versions that are never retired.")
    would_retire: list[int] = Field(description="Versions that the rule would retire now.")
    retired: list[int] = Field([], description="Versions that this request has retired.")
