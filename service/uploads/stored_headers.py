"""Safetensors headers of stored blobs, cached."""

from functools import lru_cache
from pathlib import Path

from registry.blobs.store import BlobStore
from registry.errors import NotSafetensors
from registry.safetensors_header import Header, HeaderReader
from service.settings import GatewaySettings


def stored_header(blobs: BlobStore, digest: str, settings: GatewaySettings) -> Header:
    """The header of a stored blob. Raises BlobNotFound, NotSafetensors, TooLarge."""
    return _read_header(blobs.path(digest), settings.max_header_bytes, settings.max_tensors)


@lru_cache(maxsize=32)
def _read_header(path: Path, max_header_bytes: int, max_tensors: int) -> Header:
    # A blob never changes under its path.
    reader = HeaderReader(max_header_bytes, max_tensors)
    with path.open("rb") as file:
        while reader.header is None and (data := file.read(1 << 20)):
            reader.feed(data)
    header = reader.finish()
    if header.size != path.stat().st_size:
        raise NotSafetensors(f"The file has {path.stat().st_size} bytes, but its header describes {header.size}.")
    return header
