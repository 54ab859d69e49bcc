"""Tensor diff: how far the weights of two versions are apart, tensor by tensor, in constant memory.

Files are read in chunks, not mapped: the pages of a mapped file would count as memory of the gateway. Arithmetic is in
float64; for 64-bit integers in long double, which represents all of them exactly.
"""

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from cachetools import LRUCache
from numpy.typing import DTypeLike, NDArray

from registry.safetensors_header import DTYPE_BYTES, Header, Tensor
from service.auth.api_keys import Caller
from service.auth.shares import SharedLimit

_CHUNK_ELEMENTS = 1 << 19
_CACHED_COMPARISONS = 64
Values = NDArray[Any]


@dataclass
class Change:
    """Sums over the elements of a and b. Elements that are not finite on either side are only counted."""

    squares: float = 0.0
    squares_a: float = 0.0
    squares_b: float = 0.0
    product: float = 0.0
    max_abs: float = 0.0
    not_finite: int = 0

    def add(self, a: Values, b: Values) -> None:
        """Add elements."""
        finite = np.isfinite(a) & np.isfinite(b)
        if not finite.all():
            self.not_finite += int(a.size - np.count_nonzero(finite))
            a, b = a[finite], b[finite]
        if not a.size:
            return
        with np.errstate(over="ignore", invalid="ignore"):  # `measures` leaves out what overflows
            difference = (b - a).astype(np.float64)
            a, b = a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)
            self.squares += float(np.dot(difference, difference))
            self.squares_a += float(np.dot(a, a))
            self.squares_b += float(np.dot(b, b))
            self.product += float(np.dot(a, b))
            self.max_abs = max(self.max_abs, float(np.abs(difference).max()))

    def merge(self, other: "Change") -> None:
        """Add the sums of another change."""
        self.squares += other.squares
        self.squares_a += other.squares_a
        self.squares_b += other.squares_b
        self.product += other.product
        self.max_abs = max(self.max_abs, other.max_abs)
        self.not_finite += other.not_finite

    @property
    def measures(self) -> dict[str, float | int | None]:
        """l2: ‖b − a‖; relative: ‖b − a‖ / ‖a‖; cosine: of the angle between a and b. None where undefined."""
        norm_a, norm_b, l2 = math.sqrt(self.squares_a), math.sqrt(self.squares_b), math.sqrt(self.squares)
        cosine = self.product / norm_a / norm_b if norm_a and norm_b else None
        measures = {"l2": l2, "relative": l2 / norm_a if norm_a else None, "max_abs": self.max_abs, "cosine": cosine}
        # Squares of the largest doubles overflow.
        finite = {name: value if value is None or math.isfinite(value) else None for name, value in measures.items()}
        return finite | {"not_finite": self.not_finite}


@dataclass(frozen=True)
class Comparison:
    """Differences between two files.

    changed: the change of each tensor that differs, by name. unchanged: the number of tensors that do not. total: the
    change over all tensors that both files have in the same shape.
    """

    changed: dict[str, Change]
    unchanged: int
    total: Change


class TensorDiffer:
    """Limits concurrent comparisons and caches their results, which never change. Thread-safe.

    limit: of concurrent comparisons, for all keys and for one.
    """

    def __init__(self, limit: SharedLimit) -> None:
        self._limit = limit
        self._cache: LRUCache[tuple[str, str], Comparison] = LRUCache(_CACHED_COMPARISONS)
        self._lock = threading.Lock()

    def compare(self, digests: tuple[str, str], make: Callable[[], Comparison], caller: Caller) -> Comparison:
        """The comparison of two blobs, from the cache or from `make`. Raises Overloaded."""
        with self._lock:
            if (cached := self._cache.get(digests)) is not None:
                return cached
        with self._limit.hold(caller):
            comparison = make()
        with self._lock:
            self._cache[digests] = comparison
        return comparison


def compare_files(a: tuple[Path, Header], b: tuple[Path, Header]) -> Comparison:
    """Compare the tensors that both files have in the same shape."""
    changed: dict[str, Change] = {}
    total = Change()
    unchanged = 0
    with a[0].open("rb", buffering=0) as file_a, b[0].open("rb", buffering=0) as file_b:
        for name, tensor in a[1].tensors.items():
            other = b[1].tensors.get(name)
            if other is None or other.shape != tensor.shape:
                continue
            change, differs = Change(), tensor.dtype != other.dtype
            chunks = zip(_chunks(file_a, a[1], tensor), _chunks(file_b, b[1], other), strict=True)
            for left, right in chunks:
                differs = differs or left != right
                change.add(_values(left, tensor.dtype), _values(right, other.dtype))
            total.merge(change)
            if differs:
                changed[name] = change
            else:
                unchanged += 1
    return Comparison(changed, unchanged, total)


def _chunks(file: Any, header: Header, tensor: Tensor) -> Iterator[bytes]:
    size = DTYPE_BYTES[tensor.dtype] * _CHUNK_ELEMENTS
    for start in range(tensor.start, tensor.end, size):
        file.seek(header.data_offset + start)
        length = min(size, tensor.end - start)
        chunk = bytearray()
        while len(chunk) < length and (data := file.read(length - len(chunk))):
            chunk += data
        yield bytes(chunk)


_NUMPY_DTYPES: dict[str, DTypeLike] = {
    "BOOL": "u1",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
}
"""The dtypes of safetensors files, which are little-endian."""


def _values(raw: bytes, dtype: str) -> Values:
    """The elements of a chunk as float64, or as long double where float64 cannot represent them."""
    precision = np.longdouble if dtype in {"I64", "U64"} else np.float64
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        return np.frombuffer(raw, _NUMPY_DTYPES[dtype]).astype(precision)
