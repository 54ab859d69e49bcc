"""Resumable uploads."""

from datetime import datetime

from registry.base_record import Record, Timestamp
from registry.blob import Digest


class Upload(Record):
    """A resumable upload and its offset. Sizes are in bytes.

    offset: how many bytes are durable; it equals `length` only once all of them have become a blob. owner: the id of
    the key that created it; no other key sees it. metadata: the client's, unchanged. expected: the digest that the
    client announced. digest: the blob that it became, or was becoming when a process died.
    """

    id: str
    owner: str
    length: int
    offset: int = 0
    metadata: str = ""
    expected: Digest | None = None
    digest: Digest | None = None
    created_at: Timestamp
    expires_at: Timestamp

    @property
    def done(self) -> bool:
        """Whether it has become a blob."""
        return self.offset == self.length

    def moved(self, offset: int, expires_at: datetime, digest: Digest | None = None) -> "Upload":
        """The same upload with another offset."""
        return self.model_copy(update={"offset": offset, "expires_at": expires_at, "digest": digest})
