"""Safetensors in and out, a tensor at a time: inputs are memory-mapped, outputs are streamed into the blob store."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from registry.blob import Blob
from registry.blobs.store import BlobWriter
from worker.merging.streaming import NotFinite

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint64: "U64",
    torch.uint32: "U32",
    torch.uint16: "U16",
    torch.uint8: "U8",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.bool: "BOOL",
}


class Weights:
    """A memory-mapped safetensors file. Tensors are read when they are asked for, in the file's dtype, on the CPU."""

    def __init__(self, path: Path) -> None:
        self._file = safe_open(str(path), framework="pt")
        self.names: tuple[str, ...] = tuple(self._file.offset_keys())
        self._known = frozenset(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __getitem__(self, name: str) -> torch.Tensor:
        tensor: torch.Tensor = self._file.get_tensor(name)
        return tensor

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's `__metadata__`."""
        return self._file.metadata() or {}


def check_finite(name: str, tensor: torch.Tensor, where: str) -> None:
    """Raises NotFinite."""
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise NotFinite(name, where)


@dataclass(frozen=True)
class Entry:
    """A tensor's place in a file to be written."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return int(torch.Size(self.shape).numel()) * self.dtype.itemsize


class Output:
    """A safetensors file on its way into the blob store: header first, then the elements of its tensors, in order.

    Raises StorageFull at once when there is no room for all of it.
    """

    def __init__(self, writer: BlobWriter, entries: Iterable[Entry], metadata: Mapping[str, str]) -> None:
        self.entries = tuple(entries)
        self._writer = writer
        header = _header(self.entries, metadata)
        self._start = len(header)
        self._size = self._start + sum(entry.size for entry in self.entries)
        writer.reserve(self._size)
        writer.write(header)

    def append(self, chunk: torch.Tensor) -> None:
        """Write the next elements: flat, contiguous, on the CPU, in the dtype of their entry. Raises StorageFull."""
        if chunk.numel():
            self._writer.write(chunk.view(torch.uint8).numpy().data)

    def read(self, name: str) -> torch.Tensor:
        """A tensor that has been written."""
        position = self._start
        for entry in self.entries:
            if entry.name == name:
                raw = bytearray(self._writer.read(position, entry.size))
                return torch.frombuffer(raw, dtype=entry.dtype).reshape(entry.shape)
            position += entry.size
        raise KeyError(name)

    def commit(self) -> Blob:
        """Make the file a blob. Raises ValueError when it is not complete, StorageFull."""
        if self._writer.written != self._size:
            message = f"{self._writer.written} bytes were written where the header announces {self._size}"
            raise ValueError(message)
        return self._writer.commit()

    def abort(self) -> None:
        """Forget everything written. Does nothing after a commit."""
        self._writer.abort()


def write_weights(
    writer: BlobWriter, entries: Iterable[Entry], tensors: Iterable[torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file: the header, then each tensor as it is produced, in the order of `entries`.

    Raises StorageFull, and ValueError when a tensor is not what its entry says.
    """
    output = Output(writer, entries, metadata)
    for entry, tensor in zip(output.entries, tensors, strict=True):
        if tensor.dtype != entry.dtype or tuple(tensor.shape) != entry.shape:
            message = f"{entry.name} is {tensor.dtype} {tuple(tensor.shape)}, expected {entry.dtype} {entry.shape}"
            raise ValueError(message)
        output.append(tensor.detach().cpu().contiguous().reshape(-1))


def _header(entries: Iterable[Entry], metadata: Mapping[str, str]) -> bytes:
    document: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    position = 0
    for entry in entries:
        offsets = [position, position + entry.size]
        document[entry.name] = {"dtype": _NAMES[entry.dtype], "shape": list(entry.shape), "data_offsets": offsets}
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
