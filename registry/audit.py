"""Entries of the audit log: changes and refused requests."""

from registry.base_record import Record, Timestamp


class AuditEntry(Record):
    """One request that changed something, tried to, or was refused because of its key.

    key, name: the API key's id and name; None without a valid key. action: the operation id. thing: the resource that
    was changed or created, as a path. status: of the HTTP response.
    """

    time: Timestamp
    key: str | None
    name: str | None
    address: str
    action: str
    thing: str
    status: int
    request_id: str
