"""Uploads that may come in several pieces, and be gone on with after any pause."""

from datetime import datetime

from registry.base_record import Record, Timestamp
from registry.blob import Digest


class Upload(Record):
    """How far an upload has come. Sizes are in bytes.

    offset: how many bytes are durably on the disk, in order; `length` only once all of them have become a blob.
    owner: who began it; nobody else sees it. metadata: what the client said of it, as it came. expected: the digest
    that the client promised. digest: the blob that it became, or was becoming when the process that wrote this died.
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
        """The same upload further on, or further back."""
        return self.model_copy(update={"offset": offset, "expires_at": expires_at, "digest": digest})
