"""The audit log: who did what, and who was refused."""

from registry.base_record import Record, Timestamp


class AuditEntry(Record):
    """One request that changed something, or would have, or was refused for its key.

    key, name: the API key's id and name; None where none was asked for, or none was good. action: the operation's id.
    thing: what it was done to, or what was made, as a path. status: of the HTTP answer.
    """

    time: Timestamp
    key: str | None
    name: str | None
    address: str
    action: str
    thing: str
    status: int
    request_id: str
