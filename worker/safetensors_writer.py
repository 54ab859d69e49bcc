"""A safetensors file streamed into the blob store while the arithmetic goes on."""

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
"""Bytes that are hashed and written at once; two blocks wait while a third is filled."""


@dataclass(frozen=True)
class Entry:
    """A tensor's place in a file to be written. dtype: as safetensors names it."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * NUMPY_DTYPES[self.dtype].itemsize


class Output:
    """A safetensors file on its way into the blob store: header first, then the elements of its tensors, in order.

    It is hashed and written by a thread of its own, which ends with the `with` block. Raises StorageFull at once when
    there is no room for all of it.
    """

    def __init__(self, writer: BlobWriter, entries: Iterable[Entry], metadata: Mapping[str, str]) -> None:
        self.entries = tuple(entries)
        self._writer = writer
        header = _header(self.entries, metadata)
        self._start = len(header)
        self._size = self._start + sum(entry.size for entry in self.entries)
        writer.reserve(self._size)
        writer.write(header)
        self._thread = ThreadPoolExecutor(1, "output")
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
        """Write the next elements: flat and contiguous, in the carrier of their entry. Raises StorageFull.

        The chunk may be changed after the call; what did not fit on the disk may be said by a later one.
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
        """A tensor that has been written."""
        self._flush()
        position = self._start
        for entry in self.entries:
            if entry.name == name:
                read = bytearray(self._writer.read(position, entry.size))
                return TensorBytes(entry.dtype, entry.shape, np.frombuffer(read, NUMPY_DTYPES[entry.dtype]))
            position += entry.size
        raise KeyError(name)

    def finish(self) -> None:
        """Wait until everything is written. Raises ValueError when it is not complete, StorageFull."""
        self._flush()
        if self._writer.written != self._size:
            message = f"{self._writer.written} bytes were written where the header announces {self._size}"
            raise ValueError(message)

    def commit(self) -> Blob:
        """Make the file a blob. Raises as `finish` does."""
        self.finish()
        return self._writer.commit()

    def _hand_over(self) -> None:
        """Give the block to the thread, and take one that is free again."""
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
def writing(writer: BlobWriter) -> Iterator[BlobWriter]:
    """Abort the writer when the block raises."""
    try:
        yield writer
    except BaseException:
        writer.abort()
        raise
