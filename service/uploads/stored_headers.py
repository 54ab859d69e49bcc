"""Safetensors headers of stored blobs, cached."""

import threading
from pathlib import Path

from cachetools import LRUCache, cached

from registry.blobs.store import BlobStore
from registry.errors import NotSafetensors
from registry.safetensors_header import Header, HeaderReader
from service.settings import GatewaySettings

CACHE_BYTES = 128 << 20
"""Estimated memory of the cached headers, together."""

_BYTES_PER_TENSOR = 1000
_BYTES_PER_METADATA_ENTRY = 200


def _estimate_memory(header: Header) -> int:
    """Roughly the memory of a parsed header, in bytes: its text, and the objects of its entries."""
    entries = _BYTES_PER_TENSOR * len(header.tensors) + _BYTES_PER_METADATA_ENTRY * len(header.metadata)
    return header.data_offset + entries


_cache: LRUCache[tuple[object, ...], Header] = LRUCache(CACHE_BYTES, _estimate_memory)


def stored_header(blobs: BlobStore, digest: str, settings: GatewaySettings) -> Header:
    """The header of a stored blob. Raises BlobNotFound, NotSafetensors, TooLarge."""
    return _read_header(blobs.path(digest), settings.max_header_bytes, settings.max_tensors)


@cached(_cache, lock=threading.Lock())
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
