"""Aliases: movable names for versions, such as `production`."""

import re
from typing import Annotated

from pydantic import AfterValidator

from registry.base_record import Name, Record, Timestamp
from registry.version import LATEST


def _not_a_version(name: str) -> str:
    if name == LATEST or re.fullmatch(r"\d+", name):
        message = "'latest' and numbers already name versions"
        raise ValueError(message)
    return name


AliasName = Annotated[Name, AfterValidator(_not_a_version)]
"""A name that is neither `latest` nor a number."""


class Alias(Record):
    """A name for a version. `revision` rises with every change; equal revisions mean the same state."""

    lineage: Name
    name: AliasName
    version: int
    revision: int
    updated_at: Timestamp
