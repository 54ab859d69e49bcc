"""Safetensors in and out, a tensor at a time: inputs are memory-mapped, outputs are streamed into the blob store."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from registry.blobs.store import BlobWriter

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


class Weights:
    """A memory-mapped safetensors file. Tensors are read when they are asked for, in the file's dtype, on the CPU."""

    def __init__(self, path: Path) -> None:
        self._file = safe_open(str(path), framework="pt")
        self.names: tuple[str, ...] = tuple(self._file.offset_keys())

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> torch.Tensor:
        tensor: torch.Tensor = self._file.get_tensor(name)
        return tensor

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's `__metadata__`."""
        return self._file.metadata() or {}


class NotFinite(ValueError):
    """A tensor holds NaN or infinity."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"The tensor {name} of {where} has values that are not finite (NaN or infinity).")


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


def write_weights(
    writer: BlobWriter, entries: Iterable[Entry], tensors: Iterable[torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file: the header, then each tensor as it is produced, in the order of `entries`.

    Raises StorageFull, and ValueError when a tensor is not what its entry says.
    """
    entries = list(entries)
    header = _header(entries, metadata)
    writer.reserve(len(header) + sum(entry.size for entry in entries))
    writer.write(header)
    for entry, tensor in zip(entries, tensors, strict=True):
        if tensor.dtype != entry.dtype or tuple(tensor.shape) != entry.shape:
            message = f"{entry.name} is {tensor.dtype} {tuple(tensor.shape)}, expected {entry.dtype} {entry.shape}"
            raise ValueError(message)
        if entry.size:
            flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            writer.write(flat.numpy().data)


def _header(entries: list[Entry], metadata: Mapping[str, str]) -> bytes:
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
