"""Tensors of torch from safetensors files and into them, for what computes with networks."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from merging.streaming import NotFinite
from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes
from registry.blobs.store import BlobWriter
from worker.safetensors_reader import MappedFile
from worker.safetensors_writer import Entry, Output

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
    """A mapped file whose tensors are torch's too: read when they are asked for, in the file's dtype, on the CPU."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = safe_open(str(path), framework="pt")

    def __getitem__(self, name: str) -> torch.Tensor:
        tensor: torch.Tensor = self._file.get_tensor(name)
        return tensor


def to_tensor_bytes(tensor: torch.Tensor) -> TensorBytes:
    """A tensor as a file would have it; contiguous ones on the CPU keep their memory."""
    dtype = _NAMES[tensor.dtype]
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return TensorBytes(dtype, tuple(tensor.shape), flat.view(torch.uint8).numpy().view(NUMPY_DTYPES[dtype]))


def to_torch(raw: TensorBytes) -> torch.Tensor:
    """A copy as a tensor of torch."""
    tensor = torch.empty(raw.shape, dtype=_DTYPES[raw.dtype])
    if raw.elements.size:
        tensor.reshape(-1).view(torch.uint8).numpy()[:] = raw.elements.view(np.uint8)
    return tensor


def entry_of(name: str, tensor: torch.Tensor) -> Entry:
    """The place of a tensor in a file to be written."""
    return Entry(name, _NAMES[tensor.dtype], tuple(tensor.shape))


def check_finite(name: str, tensor: torch.Tensor, where: str) -> None:
    """Raises NotFinite."""
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise NotFinite(name, where)


def write_weights(
    writer: BlobWriter, entries: Iterable[Entry], tensors: Iterable[torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file: the header, then each tensor as it is produced, in the order of `entries`.

    The writer is left to be committed. Raises StorageFull, and ValueError when a tensor is not what its entry says.
    """
    with Output(writer, entries, metadata) as output:
        for entry, tensor in zip(output.entries, tensors, strict=True):
            result = entry_of(entry.name, tensor)
            if result != entry:
                message = f"{entry.name} is {result.dtype} {result.shape}, expected {entry.dtype} {entry.shape}"
                raise ValueError(message)
            output.append(to_tensor_bytes(tensor).elements)
        output.finish()
