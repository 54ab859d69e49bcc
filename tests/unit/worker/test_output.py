"""The streaming writer of safetensors files."""

import hashlib
import threading
from pathlib import Path

import numpy as np
import pytest

from registry.blobs.files import FileBlobStore
from registry.blobs.store import BlobWriter
from registry.errors import StorageFull
from worker.safetensors_writer import Entry, SafetensorsWriter, abort_on_error

_SIZE = 3_000_001


class _Full:
    """A blob writer on a disk that is full after `room` bytes."""

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
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("safetensors-writer")]


def test_elements_are_written_in_order_even_if_their_buffer_is_reused(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 256, _SIZE, dtype=np.uint8)
    store = FileBlobStore(tmp_path)
    room = np.empty(70_001, np.uint8)
    with (
        abort_on_error(store.create()) as writer,
        SafetensorsWriter(writer, [Entry("w", "U8", (_SIZE,))], {}) as output,
    ):
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
    """Write `count` zeros to a file of _SIZE elements, and commit it."""
    with abort_on_error(writer), SafetensorsWriter(writer, [Entry("w", "U8", (_SIZE,))], {}) as output:
        output.append(np.zeros(count, np.uint8))
        output.commit()


def test_a_full_disk_raises_and_leaves_no_file_and_no_thread(tmp_path: Path) -> None:
    with pytest.raises(StorageFull):
        _write(_Full(FileBlobStore(tmp_path), 2_500_000), _SIZE)
    assert list((tmp_path / "uploads").iterdir()) == []
    assert _threads() == []


def test_an_incomplete_file_raises_and_leaves_no_file_and_no_thread(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="where the header announces"):
        _write(FileBlobStore(tmp_path).create(), _SIZE - 1)
    assert list((tmp_path / "uploads").iterdir()) == []
    assert _threads() == []
