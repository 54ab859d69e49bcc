"""Files streamed into the blob store by a thread."""

import hashlib
import threading
from pathlib import Path

import numpy as np
import pytest

from registry.blobs.files import FileBlobStore
from registry.blobs.store import BlobWriter
from registry.errors import StorageFull
from worker.safetensors_writer import Entry, Output, writing

_SIZE = 3_000_001


class _Full:
    """A store's writer on a disk that fills up after so many bytes."""

    def __init__(self, store: FileBlobStore, room: int) -> None:
        self._writer = store.create()
        self._room = room
        self.reserve, self.read, self.commit, self.abort = (
            self._writer.reserve,
            self._writer.read,
            self._writer.commit,
            self._writer.abort,
        )

    @property
    def written(self) -> int:
        return self._writer.written

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.written + len(data) > self._room:
            raise StorageFull("full")
        self._writer.write(data)


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("output")]


def test_what_is_appended_comes_out_in_order_though_its_memory_is_used_again(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 256, _SIZE, dtype=np.uint8)
    store = FileBlobStore(tmp_path)
    room = np.empty(70_001, np.uint8)
    with writing(store.create()) as writer, Output(writer, [Entry("w", "U8", (_SIZE,))], {}) as output:
        for start in range(0, _SIZE, room.size):
            chunk = room[: len(numbers[start : start + room.size])]
            chunk[:] = numbers[start : start + room.size]
            output.append(chunk)
            chunk[:] = 0
        assert np.array_equal(output.read("w").elements, numbers)
        blob = output.commit()
    data = store.path(blob.digest).read_bytes()
    assert data[-_SIZE:] == numbers.tobytes()
    assert blob.digest == "sha256:" + hashlib.sha256(data).hexdigest()
    assert _threads() == []


def _write(writer: BlobWriter, count: int) -> None:
    """Write so many zeros of a file that has _SIZE, and commit it."""
    with writing(writer), Output(writer, [Entry("w", "U8", (_SIZE,))], {}) as output:
        output.append(np.zeros(count, np.uint8))
        output.commit()


def test_a_disk_that_fills_up_is_said_and_leaves_no_file_and_no_thread(tmp_path: Path) -> None:
    with pytest.raises(StorageFull):
        _write(_Full(FileBlobStore(tmp_path), 2_500_000), _SIZE)
    assert list((tmp_path / "uploads").iterdir()) == []
    assert _threads() == []


def test_a_file_that_lacks_elements_is_no_blob_and_leaves_no_file_and_no_thread(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="where the header announces"):
        _write(FileBlobStore(tmp_path).create(), _SIZE - 1)
    assert list((tmp_path / "uploads").iterdir()) == []
    assert _threads() == []
