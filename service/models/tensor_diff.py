"""How far two versions' weights are from each other, tensor by tensor, in constant memory.

Files are read in pieces, not mapped: a mapped file's pages would count as memory of the gateway. Arithmetic is in
float64, of 64-bit integers in long double, which holds them all.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.errors import Overloaded
from registry.safetensors_header import DTYPE_BYTES, Header, Tensor

_PIECE = 1 << 19
"""Elements that are looked at together."""
_REMEMBERED = 64
Values = NDArray[Any]


@dataclass
class Change:
    """How far b is from a: sums over elements. Elements that are not finite on either side are only counted."""

    squares: float = 0.0
    squares_a: float = 0.0
    squares_b: float = 0.0
    product: float = 0.0
    max_abs: float = 0.0
    not_finite: int = 0

    def add(self, a: Values, b: Values) -> None:
        """Take more elements."""
        finite = np.isfinite(a) & np.isfinite(b)
        if not finite.all():
            self.not_finite += int(a.size - np.count_nonzero(finite))
            a, b = a[finite], b[finite]
        if not a.size:
            return
        difference = (b - a).astype(np.float64)
        a, b = a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)
        self.squares += float(np.dot(difference, difference))
        self.squares_a += float(np.dot(a, a))
        self.squares_b += float(np.dot(b, b))
        self.product += float(np.dot(a, b))
        self.max_abs = max(self.max_abs, float(np.abs(difference).max()))

    def merge(self, other: "Change") -> None:
        """Take what another one has taken."""
        self.squares += other.squares
        self.squares_a += other.squares_a
        self.squares_b += other.squares_b
        self.product += other.product
        self.max_abs = max(self.max_abs, other.max_abs)
        self.not_finite += other.not_finite

    @property
    def measures(self) -> dict[str, float | int | None]:
        """l2: ‖b − a‖. relative: ‖b − a‖ / ‖a‖. cosine: of the angle between a and b. None where there is none."""
        norm_a, norm_b, l2 = math.sqrt(self.squares_a), math.sqrt(self.squares_b), math.sqrt(self.squares)
        cosine = self.product / norm_a / norm_b if norm_a and norm_b else None
        found = {"l2": l2, "relative": l2 / norm_a if norm_a else None, "max_abs": self.max_abs, "cosine": cosine}
        # Squares of the largest doubles are none.
        kept = {name: value if value is None or math.isfinite(value) else None for name, value in found.items()}
        return kept | {"not_finite": self.not_finite}


@dataclass(frozen=True)
class Comparison:
    """What differs. changed: by tensor's name, how; total: of all tensors that both have in one shape."""

    changed: dict[str, Change]
    unchanged: int
    total: Change


class TensorDiffer:
    """Compares files, a few at once, and remembers what came of it: versions never change.

    most: how many comparisons there may be at once. Safe to share between threads.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places = threading.BoundedSemaphore(most) if most else None
        self._found: OrderedDict[tuple[str, str], Comparison] = OrderedDict()
        self._lock = threading.Lock()

    def compare(self, digests: tuple[str, str], make: Callable[[], Comparison]) -> Comparison:
        """The comparison of two blobs, by `make` if nobody has asked lately. Raises Overloaded."""
        with self._lock:
            if digests in self._found:
                self._found.move_to_end(digests)
                return self._found[digests]
        if self._places is None or not self._places.acquire(blocking=False):
            raise Overloaded(
                f"{self._most} versions are being compared already (ODEM_MAX_COMPARISONS). Try again later."
            )
        try:
            made = make()
        finally:
            self._places.release()
        with self._lock:
            self._found[digests] = made
            while len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return made


def compare_files(a: tuple[Path, Header], b: tuple[Path, Header]) -> Comparison:
    """Compare the tensors that both files have in one shape."""
    changed: dict[str, Change] = {}
    total = Change()
    same = 0
    with a[0].open("rb", buffering=0) as file_a, b[0].open("rb", buffering=0) as file_b:
        for name, tensor in a[1].tensors.items():
            other = b[1].tensors.get(name)
            if other is None or other.shape != tensor.shape:
                continue
            change, differs = Change(), tensor.dtype != other.dtype
            pieces = zip(_pieces(file_a, a[1], tensor), _pieces(file_b, b[1], other), strict=True)
            for left, right in pieces:
                differs = differs or left != right
                change.add(_values(left, tensor.dtype), _values(right, other.dtype))
            total.merge(change)
            if differs:
                changed[name] = change
            else:
                same += 1
    return Comparison(changed, same, total)


def _pieces(file: Any, header: Header, tensor: Tensor) -> Iterator[bytes]:
    size = DTYPE_BYTES[tensor.dtype] * _PIECE
    for start in range(tensor.start, tensor.end, size):
        file.seek(header.data_offset + start)
        left = min(size, tensor.end - start)
        piece = bytearray()
        while len(piece) < left and (data := file.read(left - len(piece))):
            piece += data
        yield bytes(piece)


_NUMPY = {"BOOL": "u1", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "F16": "<f2", "I32": "<i4", "U32": "<u4"}
_NUMPY |= {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U64": "<u8"}


def _values(raw: bytes, dtype: str) -> Values:
    """The numbers that the bytes of a piece stand for, as float64 or wider."""
    if dtype == "BF16":
        wide: Values = np.frombuffer(raw, "<u2").astype("<u4") << 16
        return wide.view("<f4").astype(np.float64)
    if dtype == "F8_E5M2":
        return (np.frombuffer(raw, "u1").astype("<u2") << 8).view("<f2").astype(np.float64)
    if dtype == "F8_E4M3":
        return np.take(_E4M3, np.frombuffer(raw, "u1"))
    precision = np.longdouble if dtype in {"I64", "U64"} else np.float64
    return np.frombuffer(raw, _NUMPY[dtype]).astype(precision)


def _e4m3(byte: int) -> float:
    """Source: FP8 Formats for Deep Learning, arXiv 2209.05433, section 3.1 (E4M3 has no infinities)."""
    sign, exponent, mantissa = -1.0 if byte & 0x80 else 1.0, (byte >> 3) & 15, byte & 7
    if exponent == 15 and mantissa == 7:
        return math.nan
    return sign * (mantissa / 8 * 2**-6 if exponent == 0 else (1 + mantissa / 8) * 2.0 ** (exponent - 7))


_E4M3: Values = np.array([_e4m3(byte) for byte in range(256)])
