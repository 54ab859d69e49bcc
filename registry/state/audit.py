"""The audit log in Redis or Valkey: one stream of changes, one of refused requests."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from registry.audit import AuditEntry
from registry.state.connection import RedisClient
from registry.state.keys import CHANGES, REFUSALS

_PAGE = 500


class AuditRepository:
    """The audit log. Safe to share between threads; any method may raise StoreUnavailable."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def append(self, entries: Sequence[AuditEntry], *, refused: bool, limit: int) -> None:
        """Append to the log, which keeps about the newest `limit` entries of each kind."""

        def write(server: Any) -> None:
            with server.pipeline(transaction=False) as pipeline:
                for entry in entries:
                    fields = {"entry": entry.model_dump_json()}
                    pipeline.xadd(REFUSALS if refused else CHANGES, fields, maxlen=limit, approximate=True)
                pipeline.execute()

        self._client.call(write)

    def read(self, *, refused: bool, since: datetime | None = None) -> Iterator[AuditEntry]:
        """Changes, or refused requests, newest first."""
        name = REFUSALS if refused else CHANGES
        oldest, newest = "-" if since is None else str(int(since.timestamp() * 1000)), "+"
        while True:
            page = self._read_page(name, newest, oldest)
            for _, fields in page:
                yield AuditEntry.model_validate_json(fields["entry"])
            if len(page) < _PAGE:
                return
            newest = f"({page[-1][0]}"

    def _read_page(self, name: str, newest: str, oldest: str) -> list[Any]:
        return self._client.call(lambda server: server.xrevrange(name, newest, oldest, count=_PAGE))
