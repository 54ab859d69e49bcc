"""Entries of the audit log: changes and refused requests."""

from typing import Annotated

from pydantic import BeforeValidator

from registry.base_record import Record, Timestamp
from registry.logging_config import escape_control_characters

_Line = Annotated[str, BeforeValidator(escape_control_characters)]
"""Text of a client on one line: a path may hold any character once its percent-encoding is decoded."""


class AuditEntry(Record):
    """One request that changed something, tried to, or was refused because of its key.

    key, name: the API key's id and name; None without a valid key. action: the operation id. thing: the resource that
    was changed or created, as a path. status: of the HTTP response. Control characters are percent-encoded, also in
    entries of earlier releases, so that no path forges a line or drives a terminal.
    """

    time: Timestamp
    key: str | None
    name: str | None
    address: _Line
    action: str
    thing: _Line
    status: int
    request_id: str
