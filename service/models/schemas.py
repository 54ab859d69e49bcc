"""Schemas of versions."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from registry.blob import Digest
from registry.task import Task
from registry.version import MethodState, Provenance, Version


class VersionView(BaseModel):
    """A version."""

    reference: str = Field(description="Full name of the version.", examples=["default@3"])
    lineage: str = Field(description="The lineage that the version belongs to.")
    number: int = Field(description="Number of the version; 0 is the base.")
    weights: Digest = Field(description="Digest of the weights.")
    size: int = Field(description="Size of the weights in bytes.")
    tasks: list[Task] = Field(description="Tasks that the version has merged, in order.")
    memory: Digest | None = Field(description="Digest of the calibration memory.")
    state: MethodState | None = Field(description="What the merge method keeps of earlier tasks besides the weights.")
    provenance: Provenance | None = Field(description="Parent, inputs, recipe, seed, software and device.")
    report: dict[str, Any] | None = Field(None, description="Measurements of the merge that created the version.")
    origin: str | None = Field(description="The version that this one repeats, after a rollback or a branch.")
    created_at: datetime = Field(description="When the version was created.")
    retired_at: datetime | None = Field(description="When retention retired it; its weights may be deleted since.")
    weights_url: str = Field(description="URL of the weights.", examples=["/models/default@3/weights"])
    config_url: str | None = Field(description="URL of the open_clip config; null without an architecture.")

    @classmethod
    def from_version(cls, version: Version, *, has_config: bool, with_report: bool = True) -> Self:
        """The view of a record."""
        url = f"/models/{version.reference}"
        # Nested records are taken as they are: dumping and validating them again took most of a listing's time.
        return cls.model_validate(
            vars(version)
            | {
                "reference": version.reference,
                "report": version.report if with_report else None,
                "weights_url": f"{url}/weights",
                "config_url": f"{url}/open_clip_config.json" if has_config else None,
            }
        )


class VersionPage(BaseModel):
    """Versions, newest first, without their reports."""

    versions: list[VersionView] = Field(description="The versions on this page.")
    next: str | None = Field(description="Cursor of the next page, null on the last.")
