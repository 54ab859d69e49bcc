"""Memory-mapped reader of safetensors files."""

import mmap
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes
from registry.errors import NotSafetensors
from registry.safetensors_header import HeaderReader

_LONGEST_HEADER = 100_000_000
"""The limit of the format, in bytes. The gateway applies its own limits to uploads; method states may exceed them."""


class MappedFile:
    """A memory-mapped safetensors file with a checked header; tensors are read on access to their elements.

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
        """A read-only view of a tensor. Raises KeyError."""
        tensor = self._tensors[name]
        element = NUMPY_DTYPES[tensor.dtype]
        count = (tensor.end - tensor.start) // element.itemsize
        if not count:
            return TensorBytes(tensor.dtype, tensor.shape, np.empty(0, element))
        flat = np.frombuffer(self._bytes, element, count, self._start + tensor.start)
        return TensorBytes(tensor.dtype, tensor.shape, flat)
