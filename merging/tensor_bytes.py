"""Tensors as files store them, in the numpy dtypes of safetensors' dtypes, and their exact conversion to float64."""

from dataclasses import dataclass
from typing import Any, Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels

NUMPY_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "I64": np.dtype(np.int64),
    "I32": np.dtype(np.int32),
    "I16": np.dtype(np.int16),
    "I8": np.dtype(np.int8),
    "U64": np.dtype(np.uint64),
    "U32": np.dtype(np.uint32),
    "U16": np.dtype(np.uint16),
    "U8": np.dtype(np.uint8),
    "BOOL": np.dtype(np.bool_),
}
"""Dtype, as safetensors names it -> numpy dtype."""

MERGEABLE: Final = frozenset({"F64", "F32", "BF16", "F16"})
"""Dtypes of tensors that are merged. Eight-bit floats are copied: they mean nothing without their scales."""


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
    """Elements of a mergeable tensor, of any shape, as float64, exactly."""
    flat = np.ascontiguousarray(elements).reshape(-1)
    out = np.empty(flat.size)
    kernels.widen(flat, 1.0, out)
    return out.reshape(elements.shape)


def round_once(values: NDArray[np.float64], dtype: str) -> NDArray[Any]:
    """The nearest value of a mergeable dtype for each float64, of any shape; ties to even, overflow gives infinity.

    ml_dtypes' conversion to bfloat16 goes through float32 and so rounds twice: see `kernels/dtype_io.py`.
    """
    flat = np.ascontiguousarray(values).reshape(-1)
    out = np.empty(flat.size, NUMPY_DTYPES[dtype])
    kernels.round_nearest(flat, out)
    return out.reshape(values.shape)
