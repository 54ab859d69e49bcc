"""A tensor as its file has it: numpy has no bfloat16, so elements are kept as what numpy has of their width."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels

NUMPY_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.int16),
    "BF16": np.dtype(np.uint16),
    "F8_E4M3": np.dtype(np.uint8),
    "F8_E5M2": np.dtype(np.uint8),
    "I64": np.dtype(np.int64),
    "I32": np.dtype(np.int32),
    "I16": np.dtype(np.int16),
    "I8": np.dtype(np.int8),
    "U64": np.dtype(np.uint64),
    "U32": np.dtype(np.uint32),
    "U16": np.dtype(np.uint16),
    "U8": np.dtype(np.uint8),
    "BOOL": np.dtype(np.uint8),
}
"""Dtype, as safetensors names it -> the numpy dtype that holds its elements; for F16 and BF16 these are their bits."""

MERGEABLE: Final = frozenset({"F64", "F32", "BF16", "F16"})
"""Dtypes of tensors that are merged. Eight-bit floats mean nothing without their scales: they are copied."""


@dataclass(frozen=True)
class TensorBytes:
    """A tensor as its file stores it.

    dtype: as safetensors names it. elements: all of them in C order, [n], in `NUMPY_DTYPES[dtype]`; may be read-only.
    """

    dtype: str
    shape: tuple[int, ...]
    elements: NDArray[Any]

    @property
    def matrix(self) -> NDArray[Any]:
        """The elements in the tensor's shape."""
        return self.elements.reshape(self.shape)


def widened(elements: NDArray[Any]) -> NDArray[np.float64]:
    """Elements of a mergeable tensor, in their carrier and of any shape, as float64, exactly."""
    flat = np.ascontiguousarray(elements).reshape(-1)
    out = np.empty(flat.size)
    kernels.widen(flat, 1.0, out)
    return out.reshape(elements.shape)


def round_once(values: NDArray[np.float64], dtype: str) -> NDArray[Any]:
    """The nearest value of a mergeable dtype for each float64, ties to even; overflow gives infinity. Any shape.

    A plain conversion to a 16-bit float goes through float32 and so rounds twice: see `loops`.
    """
    flat = np.ascontiguousarray(values).reshape(-1)
    out = np.empty(flat.size, NUMPY_DTYPES[dtype])
    kernels.round_nearest(flat, out)
    return out.reshape(values.shape)
