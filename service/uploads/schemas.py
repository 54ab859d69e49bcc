"""Schemas of blobs and resumable uploads."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from registry.blob import Digest
from registry.upload import Upload


class BlobView(BaseModel):
    """A stored blob."""

    digest: Digest = Field(description="Name of the blob: `sha256:` and 64 hexadecimal digits.")
    size: int = Field(description="Size in bytes.", examples=[605_171_020])


class UploadView(BaseModel):
    """A resumable upload."""

    id: str = Field(description="ID of the upload; last segment of its URL.")
    length: int = Field(description="Size of the whole file in bytes.")
    offset: int = Field(description="Bytes that are durably stored.")
    digest: Digest | None = Field(description="The blob that the complete upload has become; null before.")
    created_at: datetime = Field(description="When the upload was created.")
    expires_at: datetime = Field(description="When an unfinished upload is deleted.")

    @classmethod
    def from_upload(cls, upload: Upload) -> Self:
        """The view of a record."""
        fields = upload.model_dump(include={"id", "length", "offset", "created_at", "expires_at"})
        return cls(**fields, digest=upload.digest if upload.done else None)
