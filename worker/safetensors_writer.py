"""Streaming writer of safetensors files: hashes and stores elements in a thread while the merge computes the next."""

import json
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes
from registry.blob import Blob
from registry.blobs.store import BlobWriter

_BLOCK: Final = 1 << 20
"""Bytes that are hashed and written at once; two blocks are queued while a third is filled."""


@dataclass(frozen=True)
class Entry:
    """The header entry of a tensor to be written. dtype: as safetensors names it."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Size of the elements in bytes."""
        return math.prod(self.shape) * NUMPY_DTYPES[self.dtype].itemsize


class SafetensorsWriter:
    """Writes a safetensors file to the blob store: the header, then the elements of its tensors in order.

    A thread that ends with the `with` block hashes and writes. The constructor raises StorageFull when there is no room
    for the whole file.
    """

    def __init__(self, writer: BlobWriter, entries: Iterable[Entry], metadata: Mapping[str, str]) -> None:
        self.entries = tuple(entries)
        self._writer = writer
        header = _header(self.entries, metadata)
        self._start = len(header)
        self._size = self._start + sum(entry.size for entry in self.entries)
        writer.reserve(self._size)
        writer.write(header)
        self._thread = ThreadPoolExecutor(1, "safetensors-writer")
        self._waiting: deque[tuple[Future[None], bytearray]] = deque()
        self._block = bytearray(_BLOCK)
        self._filled = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def append(self, chunk: NDArray[Any]) -> None:
        """Write the next elements: flat and contiguous, with the NumPy dtype of their entry. Raises StorageFull.

        The caller may change the chunk after the call. A later call may raise StorageFull for an earlier chunk.
        """
        data = chunk.view(np.uint8).data if chunk.size else memoryview(b"")
        while data:
            taken = data[: _BLOCK - self._filled]
            self._block[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            data = data[len(taken) :]
            if self._filled == _BLOCK:
                self._hand_over()

    def read(self, name: str) -> TensorBytes:
        """Read a tensor that has been written. Raises KeyError."""
        self._flush()
        position = self._start
        for entry in self.entries:
            if entry.name == name:
                read = bytearray(self._writer.read(position, entry.size))
                return TensorBytes(entry.dtype, entry.shape, np.frombuffer(read, NUMPY_DTYPES[entry.dtype]))
            position += entry.size
        raise KeyError(name)

    def finish(self) -> None:
        """Wait until everything is written. Raises StorageFull, and ValueError when elements are missing."""
        self._flush()
        if self._writer.written != self._size:
            message = f"{self._writer.written} bytes were written where the header announces {self._size}"
            raise ValueError(message)

    def commit(self) -> Blob:
        """Finish the file and commit it as a blob. Raises as `finish` does."""
        self.finish()
        return self._writer.commit()

    def _hand_over(self) -> None:
        """Pass the block to the thread, and continue with a free one."""
        part = memoryview(self._block)[: self._filled]
        self._waiting.append((self._thread.submit(self._writer.write, part), self._block))
        self._block = self._wait() if len(self._waiting) > 2 else bytearray(_BLOCK)
        self._filled = 0

    def _wait(self) -> bytearray:
        """Wait for the oldest block to be written; returns it."""
        future, block = self._waiting.popleft()
        future.result()
        return block

    def _flush(self) -> None:
        if self._filled:
            self._hand_over()
        while self._waiting:
            self._wait()


def _header(entries: Iterable[Entry], metadata: Mapping[str, str]) -> bytes:
    document: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    position = 0
    for entry in entries:
        offsets = [position, position + entry.size]
        document[entry.name] = {"dtype": entry.dtype, "shape": list(entry.shape), "data_offsets": offsets}
        position += entry.size
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


@contextmanager
def abort_on_error(writer: BlobWriter) -> Iterator[BlobWriter]:
    """Abort the blob writer when the `with` block raises."""
    try:
        yield writer
    except BaseException:
        writer.abort()
        raise
