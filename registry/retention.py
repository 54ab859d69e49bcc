"""Retention rules: which versions a lineage keeps."""

from typing import Annotated

from pydantic import Field

from registry.base_record import Record


class Retention(Record):
    """Keep the last `keep_last` versions, the base, and every version that an alias names or that is pinned.

    Other versions are retired: record and number stay, the weights may be garbage collected.
    """

    keep_last: Annotated[int, Field(ge=1)] = Field(description="How many of the newest versions are kept.")
