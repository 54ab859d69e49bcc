"""Retention: which versions a lineage gives up."""

from typing import Annotated

from pydantic import Field

from registry.base_record import Record


class Retention(Record):
    """Keep the last `keep_last` versions, the base, and every version that an alias names or that is pinned.

    What is given up is retired: its record and its number stay, its weights may be collected.
    """

    keep_last: Annotated[int, Field(ge=1)]
