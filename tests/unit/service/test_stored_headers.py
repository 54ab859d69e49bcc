"""The cache of stored headers is bounded by the memory that the headers take."""

import json
from pathlib import Path

import psutil
import pytest

from registry.blobs.files import FileBlobStore
from service.settings import GatewaySettings
from service.uploads.stored_headers import CACHE_BYTES, stored_header


def _send(blobs: FileBlobStore, number: int, tensors: int) -> str:
    entries = {
        f"tensor.{number}.{i}": {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]} for i in range(tensors)
    }
    header = json.dumps(entries).encode()
    writer = blobs.create()
    writer.write(len(header).to_bytes(8, "little") + header + bytes(tensors))
    return writer.commit().digest


@pytest.mark.slow
def test_many_large_headers_take_no_more_memory_than_the_cache_may(tmp_path: Path) -> None:
    blobs, settings, process = FileBlobStore(tmp_path), GatewaySettings(), psutil.Process()
    digests = [_send(blobs, number, 20_000) for number in range(18)]
    before = process.memory_info().rss
    for digest in digests:
        assert len(stored_header(blobs, digest, settings).tensors) == 20_000
    # One header beside the cache is being read.
    assert process.memory_info().rss - before < CACHE_BYTES + (64 << 20)
    last = digests[-1]
    assert stored_header(blobs, last, settings) is stored_header(blobs, last, settings)
