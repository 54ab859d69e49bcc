"""The streaming engine: merges files of named tensors a chunk or a tensor at a time, whatever the method.

    base, head, checkpoints, state (memory-mapped)  ->  method: a chunk in float64, rounded once  ->  sinks

Every tensor of the base comes out, in the base's order and dtype. Memory depends on the chunk alone, not on the files;
for a `TensorMethod` on the largest tensor.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.tensor_bytes import CARRIERS, MERGEABLE, Raw

CHUNK: Final = 1 << 17
"""Elements handled at once: a megabyte of float64, so that a few of them stay in a core's cache."""

WEIGHTS: Final = "weights"
"""The sink of the merged tensors; a method's state goes to sinks named as its parts."""

Float64 = NDArray[np.float64]

Emit = Callable[[str, NDArray[Any]], None]
"""Takes (sink, chunk): the next elements of that sink, flat and contiguous, in the carrier of their final dtype.

The chunk's memory is used again after the call.
"""

Kernel = Callable[[slice, NDArray[Any]], Mapping[str, NDArray[Any]]]
"""Merges a chunk of a tensor into an array of its own, in the carrier of the tensor's dtype, rounded once.

Returns what the method keeps of the chunk, by part, in the parts' carriers. Raises NotFinite.
"""


class NotFinite(ValueError):
    """A tensor holds NaN or infinity."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"The tensor {name} of {where} has values that are not finite (NaN or infinity).")


class Source(Protocol):
    """A file of named tensors, memory-mapped: asking for one reads nothing yet."""

    @property
    def names(self) -> Sequence[str]:
        """In the order of the file."""

    def __contains__(self, name: object) -> bool: ...

    def raw(self, name: str) -> Raw:
        """The tensor of this name, which the file has."""


class Flat:
    """One tensor of one input, read a chunk at a time. Whatever reads raises NotFinite."""

    def __init__(self, name: str, where: str, raw: Raw) -> None:
        self.name = name
        self.where = where
        self.raw = raw
        self._room = np.empty(0)

    def elements(self, span: slice) -> NDArray[Any]:
        """The chunk as the file has it: nothing is checked."""
        return np.ascontiguousarray(self.raw.flat[span])

    def read(self, span: slice, factor: float = 1.0) -> Float64:
        """The chunk times a factor, free to be changed and good until the next `read` or `difference`."""
        elements = self.elements(span)
        out = self._out(elements.size)
        self._require(kernels.widen(elements, factor, out))
        return out

    def difference(self, span: slice, base: Float64, out: Float64 | None = None) -> Float64:
        """The chunk minus base, in out; without one, free and good as that of `read`."""
        elements = self.elements(span)
        out = self._out(elements.size) if out is None else out
        self._require(kernels.subtract(elements, base, out))
        return out

    def release(self) -> None:
        """Give back the memory that `read` keeps."""
        self._room = np.empty(0)

    def _out(self, size: int) -> Float64:
        if self._room.size < size:
            # Kept: memory that is taken anew for every chunk costs more than the arithmetic.
            self._room = np.empty(size)
        return self._room[:size]

    def _require(self, finite: bool) -> None:
        if not finite:
            raise NotFinite(self.name, self.where)


def require_finite(number: int, name: str, flats: Sequence[Flat]) -> None:
    """Raises NotFinite unless number is -1: for the tensor of this number among those read, or else for the result."""
    if number >= 0:
        raise NotFinite(name, flats[number].where if number < len(flats) else "the result")


@dataclass(frozen=True)
class Place:
    """One tensor through all inputs. `incoming` has the index and the tensor of each checkpoint that has it."""

    name: str
    base: Flat
    head: Flat
    incoming: tuple[tuple[int, Flat], ...]
    parts: Mapping[str, Flat]

    @property
    def dtype(self) -> str:
        """Of the output."""
        return self.base.raw.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor, everywhere."""
        return self.base.raw.shape

    @property
    def size(self) -> int:
        """How many elements."""
        return self.base.raw.flat.size

    def spans(self, chunk: int = CHUNK) -> Iterator[slice]:
        """The tensor's elements in order, `chunk` at a time."""
        size = self.size
        return (slice(start, min(start + chunk, size)) for start in range(0, size, chunk))

    def round(self, values: Float64, out: NDArray[Any]) -> None:
        """Round merged values into the output's elements. Raises NotFinite."""
        # Inputs are finite, so only a result that is too large for its dtype is not.
        if not kernels.round_nearest(values, out):
            raise NotFinite(self.name, "the result")


@dataclass(frozen=True)
class Inputs:
    """What is merged. parts: the state of the version before, by part; empty when there is none yet.

    scope: whether a tensor of this name is merged; all others are copied from the base.
    """

    base: Source
    head: Source
    incoming: tuple[Source, ...]
    parts: Mapping[str, Source]
    scope: Callable[[str], bool]

    def merges(self, name: str) -> bool:
        """Whether this tensor is one that is merged."""
        return self.scope(name) and self.base.raw(name).dtype in MERGEABLE

    def place(self, name: str) -> Place:
        """One tensor through all inputs. Raises ValueError when its shapes differ, or one of them is no float."""
        base = Flat(name, "the base", self.base.raw(name))
        head = Flat(name, "the merged weights", self.head.raw(name))
        found = [(index, source) for index, source in enumerate(self.incoming) if name in source]
        incoming = tuple((index, Flat(name, "the checkpoint", source.raw(name))) for index, source in found)
        kept = ((part, source) for part, source in self.parts.items() if name in source)
        parts = {part: Flat(name, f"the state's {part}", source.raw(name)) for part, source in kept}
        for other in (head, *(flat for _, flat in incoming)):
            if other.raw.dtype not in MERGEABLE:
                raise ValueError(f"{name} has dtype {other.raw.dtype} in {other.where}, expected {base.raw.dtype}")
        for other in (head, *(flat for _, flat in incoming)):
            if other.raw.shape != base.raw.shape:
                raise ValueError(f"{name} has shape {other.raw.shape} in {other.where}, expected {base.raw.shape}")
        return Place(name, base, head, incoming, parts)

    def places(self) -> Iterator[Place]:
        """The tensors that are merged, in order."""
        return (self.place(name) for name in self.base.names if self.merges(name))


@dataclass(frozen=True)
class StateTensor:
    """What a method keeps for one merged tensor. dtype: as safetensors names it."""

    dtype: str
    shape: tuple[int, ...]


class Method(Protocol):
    """A merge method for one call of `merge` that works on a tensor's elements, a chunk at a time."""

    def parts(self, dtype: str) -> Mapping[str, str]:
        """The tensors that the method keeps for each merged tensor of this dtype, and their dtypes."""

    def prepare(self, inputs: Inputs) -> None:
        """Look at the whole network first, where the method must."""

    def open(self, place: Place) -> Kernel:
        """What merges this tensor, chunk by chunk. Called once for each merged tensor, in order.

        Without incoming tensors only the parts that it returns are used: the merged values stay head's.
        """


@runtime_checkable
class TensorMethod(Protocol):
    """A merge method for one call of `merge` that needs a whole tensor, and whose state has shapes of its own.

    Its memory depends on the largest tensor, not on the files.
    """

    def state_tensors(self, place: Place) -> Mapping[str, StateTensor]:
        """What the method keeps for this tensor, by part; a part may leave tensors out."""

    def prepare(self, inputs: Inputs) -> None:
        """Look at the whole network first, where the method must."""

    def merge_tensor(self, place: Place, emit: Emit) -> None:
        """Emit all elements of the merged tensor to WEIGHTS and those of each state tensor to its part.

        Sinks may take turns. Called once for each merged tensor that is not empty, in order, also without incoming
        tensors.
        """


AnyMethod = Method | TensorMethod


def state_tensors(method: AnyMethod, place: Place) -> Mapping[str, StateTensor]:
    """What a method of either kind keeps for a merged tensor, by part."""
    if isinstance(method, TensorMethod):
        return method.state_tensors(place)
    return {part: StateTensor(dtype, place.shape) for part, dtype in method.parts(place.dtype).items()}


def merge(inputs: Inputs, method: AnyMethod, emit: Emit, on_tensor: Callable[[str], None] | None = None) -> list[str]:
    """Merge and emit everything in order; returns the names of merged tensors that every checkpoint lacks.

    on_tensor: called before each tensor; what it raises ends the merge. Raises NotFinite, and ValueError on shapes.
    """
    method.prepare(inputs)
    missing = []
    for name in inputs.base.names:
        if on_tensor is not None:
            on_tensor(name)
        if not inputs.merges(name):
            _copy(inputs.base.raw(name), emit)
            continue
        place = inputs.place(name)
        if not place.incoming:
            missing.append(name)
        if inputs.parts:
            _check_state(place, state_tensors(method, place))
        if not place.size:
            continue
        if isinstance(method, TensorMethod):
            method.merge_tensor(place, emit)
        else:
            _merge_chunks(place, method, emit)
    return missing


def _check_state(place: Place, expected: Mapping[str, StateTensor]) -> None:
    """Raises ValueError unless the state has what the method keeps for this tensor."""
    for part, tensor in expected.items():
        if part not in place.parts:
            raise ValueError(f"the state's {part} lacks the tensor {place.name}")
        raw = place.parts[part].raw
        if raw.shape != tensor.shape:
            raise ValueError(f"{place.name} has shape {raw.shape} in the state's {part}, expected {tensor.shape}")
        if raw.dtype != tensor.dtype:
            raise ValueError(f"{place.name} has dtype {raw.dtype} in the state's {part}, expected {tensor.dtype}")


def _merge_chunks(place: Place, method: Method, emit: Emit) -> None:
    kernel = method.open(place)
    kept = method.parts(place.dtype)
    room = np.empty(min(CHUNK, place.size), CARRIERS[place.dtype])
    for span in place.spans():
        merged = room[: span.stop - span.start]
        parts = kernel(span, merged) if place.incoming or kept else {}
        if not place.incoming:
            place.round(place.head.read(span), merged)
        emit(WEIGHTS, merged)
        for part in kept:
            emit(part, parts[part])


def dot(one: Float64, other: Float64) -> float:
    """The scalar product, summed in pairs: more exact than BLAS's, and the same on any number of threads."""
    return float(np.multiply(one, other).sum())


def _copy(raw: Raw, emit: Emit) -> None:
    for start in range(0, raw.flat.size, CHUNK):
        emit(WEIGHTS, raw.flat[start : start + CHUNK])
