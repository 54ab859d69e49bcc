"""Torch tensors: read from mapped safetensors files, converted to and from tensor bytes, and written to files."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from merging.streaming import NotFinite
from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes
from registry.blobs.store import BlobWriter
from worker.safetensors_reader import MappedFile
from worker.safetensors_writer import Entry, SafetensorsWriter

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class Weights(MappedFile):
    """A mapped safetensors file that also gives torch tensors, read on access, in the file's dtype, on the CPU."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = safe_open(str(path), framework="pt")

    def __getitem__(self, name: str) -> torch.Tensor:
        tensor: torch.Tensor = self._file.get_tensor(name)
        return tensor


def to_tensor_bytes(tensor: torch.Tensor) -> TensorBytes:
    """The elements of a tensor as a file stores them; a contiguous tensor on the CPU is not copied."""
    dtype = _NAMES[tensor.dtype]
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return TensorBytes(dtype, tuple(tensor.shape), flat.view(torch.uint8).numpy().view(NUMPY_DTYPES[dtype]))


def to_torch(raw: TensorBytes) -> torch.Tensor:
    """Copy tensor bytes to a torch tensor."""
    tensor = torch.empty(raw.shape, dtype=_DTYPES[raw.dtype])
    if raw.elements.size:
        tensor.reshape(-1).view(torch.uint8).numpy()[:] = raw.elements.view(np.uint8)
    return tensor


def entry_of(name: str, tensor: torch.Tensor) -> Entry:
    """The header entry of a tensor that is to be written."""
    return Entry(name, _NAMES[tensor.dtype], tuple(tensor.shape))


def check_finite(name: str, tensor: torch.Tensor, where: str) -> None:
    """Raise NotFinite if a floating-point tensor has an infinity or a NaN."""
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise NotFinite(name, where)


def write_weights(
    writer: BlobWriter, entries: Iterable[Entry], tensors: Iterable[torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file: the header, then each tensor as it is produced, in the order of `entries`.

    The caller commits the writer. Raises StorageFull, and ValueError when a tensor does not match its entry.
    """
    with SafetensorsWriter(writer, entries, metadata) as output:
        for entry, tensor in zip(output.entries, tensors, strict=True):
            actual = entry_of(entry.name, tensor)
            if actual != entry:
                message = f"{entry.name} is {actual.dtype} {actual.shape}, expected {entry.dtype} {entry.shape}"
                raise ValueError(message)
            output.append(to_tensor_bytes(tensor).elements)
        output.finish()
