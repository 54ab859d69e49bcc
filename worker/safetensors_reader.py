"""A safetensors file mapped into memory: its header checked, its tensors where they lie."""

import mmap
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes
from registry.errors import NotSafetensors
from registry.safetensors_header import HeaderReader

_LONGEST_HEADER = 100_000_000
"""In bytes: what the format allows. The gateway has held uploads to its own limits; states may be larger."""


class MappedFile:
    """A memory-mapped safetensors file: asking for a tensor reads nothing yet.

    names: in the order of the file. metadata: the file's `__metadata__`. Raises NotSafetensors, TooLarge.
    """

    def __init__(self, path: Path) -> None:
        reader = HeaderReader(_LONGEST_HEADER, _LONGEST_HEADER)
        with path.open("rb") as file:
            while (piece := file.read(1 << 16)) and reader.feed(piece) is None:
                pass
            header = reader.finish()
            size = os.fstat(file.fileno()).st_size
            if size != header.size:
                raise NotSafetensors(f"The file has {size} bytes, but its header describes {header.size}.")
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes.madvise(mmap.MADV_SEQUENTIAL)
        self._start = header.data_offset
        self._tensors = dict(sorted(header.tensors.items(), key=lambda item: (item[1].start, item[1].end)))
        self.names: tuple[str, ...] = tuple(self._tensors)
        self.metadata: Mapping[str, str] = header.metadata

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def tensor(self, name: str) -> TensorBytes:
        """A tensor, read-only. Raises KeyError."""
        tensor = self._tensors[name]
        carrier = NUMPY_DTYPES[tensor.dtype]
        count = (tensor.end - tensor.start) // carrier.itemsize
        if not count:
            return TensorBytes(tensor.dtype, tensor.shape, np.empty(0, carrier))
        flat = np.frombuffer(self._bytes, carrier, count, self._start + tensor.start)
        return TensorBytes(tensor.dtype, tensor.shape, flat)
