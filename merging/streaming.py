"""Streaming engine: merges files of named tensors chunk by chunk or tensor by tensor, whatever the method.

    base, head, checkpoints, state (memory-mapped)  ->  method: a chunk in float64, rounded once  ->  outputs

The output holds every tensor of the base, in the base's order and dtypes. Memory depends on the chunk size, for a
`TensorMethod` on the largest tensor, and not on the size of the files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.tensor_bytes import MERGEABLE, NUMPY_DTYPES, TensorBytes

CHUNK: Final = 1 << 17
"""Elements per chunk: one megabyte of float64, so that a few chunks stay in a core's cache."""

WEIGHTS: Final = "weights"
"""Name of the output that holds the merged tensors; a method's state goes to outputs named after its parts."""

Float64 = NDArray[np.float64]

Emit = Callable[[str, NDArray[Any]], None]
"""Takes (output, chunk): the next elements of that output, flat and contiguous, in the numpy dtype of their tensor.

The caller reuses the chunk's memory after the call.
"""

Kernel = Callable[[slice, NDArray[Any]], Mapping[str, NDArray[Any]]]
"""Merges one chunk of a tensor into the given array, which has the tensor's numpy dtype; rounds once.

Returns the chunk's elements of the method's state, by part, in the part's numpy dtype. Raises NotFinite.
"""


class NotFinite(ValueError):
    """A tensor holds NaN or infinity."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"The tensor {name} of {where} has values that are not finite (NaN or infinity).")


class Source(Protocol):
    """A file of named tensors, memory-mapped: looking a tensor up reads nothing yet."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the tensors, in the order of the file."""

    def __contains__(self, name: object) -> bool: ...

    def tensor(self, name: str) -> TensorBytes:
        """The tensor of this name, which the file must have."""


class InputTensor:
    """One tensor of one input file. Every method that reads raises NotFinite."""

    def __init__(self, name: str, where: str, stored: TensorBytes) -> None:
        self.name = name
        self.where = where
        self.stored = stored
        self._buffer = np.empty(0)

    def elements(self, span: slice) -> NDArray[Any]:
        """A chunk in the file's dtype, unchecked."""
        return np.ascontiguousarray(self.stored.elements[span])

    def read(self, span: slice, factor: float = 1.0) -> Float64:
        """A chunk times a factor, in float64. The array may be changed; the next read of this tensor reuses it."""
        elements = self.elements(span)
        out = self._reused(elements.size)
        self._require(kernels.widen(elements, factor, out))
        return out

    def read_all(self) -> Float64:
        """The whole tensor in its shape, as a new float64 array."""
        elements = self.elements(slice(None))
        out = np.empty(elements.size)
        self._require(kernels.widen(elements, 1.0, out))
        return out.reshape(self.stored.shape)

    def difference(self, span: slice, base: Float64, out: Float64 | None = None) -> Float64:
        """A chunk minus `base`, written to `out`; without `out`, the array is valid as long as that of `read`."""
        elements = self.elements(span)
        out = self._reused(elements.size) if out is None else out
        self._require(kernels.subtract(elements, base, out))
        return out

    def release(self) -> None:
        """Free the buffer that `read` reuses."""
        self._buffer = np.empty(0)

    def _reused(self, size: int) -> Float64:
        if self._buffer.size < size:
            # Allocating anew for every chunk costs more than the arithmetic.
            self._buffer = np.empty(size)
        return self._buffer[:size]

    def _require(self, finite: bool) -> None:
        if not finite:
            raise NotFinite(self.name, self.where)


def require_finite(number: int, name: str, tensors: Sequence[InputTensor]) -> None:
    """Raise NotFinite unless number is -1: for the input of this number, or for the result if no input has it."""
    if number >= 0:
        raise NotFinite(name, tensors[number].where if number < len(tensors) else "the result")


@dataclass(frozen=True)
class TensorSlot:
    """One tensor name across all inputs.

    incoming: (index of the checkpoint, tensor) for each checkpoint that has the tensor. parts: the tensor's entries in
    the previous version's state, by part; a part that holds nothing for this tensor is left out.
    """

    name: str
    base: InputTensor
    head: InputTensor
    incoming: tuple[tuple[int, InputTensor], ...]
    parts: Mapping[str, InputTensor]

    @property
    def dtype(self) -> str:
        """Dtype of the output, as safetensors names it."""
        return self.base.stored.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor in every input."""
        return self.base.stored.shape

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.base.stored.elements.size

    def spans(self, chunk: int = CHUNK) -> Iterator[slice]:
        """Consecutive ranges of at most `chunk` elements."""
        size = self.size
        return (slice(start, min(start + chunk, size)) for start in range(0, size, chunk))

    def round(self, values: Float64, out: NDArray[Any]) -> None:
        """Round merged values into the output's elements. Raises NotFinite."""
        # Inputs are finite, so a value is not finite only if it is too large for the output's dtype.
        if not kernels.round_nearest(values, out):
            raise NotFinite(self.name, "the result")


@dataclass(frozen=True)
class Inputs:
    """Files to merge. parts: the previous version's state, by part; empty if it has none.

    scope: whether a tensor of this name is merged; all others are copied from the base. from_state: the state alone
    decides the merged values, so tensors that no checkpoint has are merged too.
    """

    base: Source
    head: Source
    incoming: tuple[Source, ...]
    parts: Mapping[str, Source]
    scope: Callable[[str], bool]
    from_state: bool = False

    def merges(self, name: str) -> bool:
        """Whether this tensor is merged: it is in scope and has a floating-point dtype of at least 16 bits."""
        return self.scope(name) and self.base.tensor(name).dtype in MERGEABLE

    def slot(self, name: str) -> TensorSlot:
        """One tensor across all inputs. Raises ValueError if shapes differ or a dtype cannot be merged."""
        base = InputTensor(name, "the base", self.base.tensor(name))
        head = InputTensor(name, "the merged weights", self.head.tensor(name))
        present = [(index, source) for index, source in enumerate(self.incoming) if name in source]
        incoming = tuple((index, InputTensor(name, "the checkpoint", source.tensor(name))) for index, source in present)
        parts = {
            part: InputTensor(name, f"the state's {part}", source.tensor(name))
            for part, source in self.parts.items()
            if name in source
        }
        for other in (head, *(tensor for _, tensor in incoming)):
            if other.stored.dtype not in MERGEABLE:
                raise ValueError(
                    f"{name} has dtype {other.stored.dtype} in {other.where}, expected {base.stored.dtype}"
                )
            if other.stored.shape != base.stored.shape:
                raise ValueError(
                    f"{name} has shape {other.stored.shape} in {other.where}, expected {base.stored.shape}"
                )
        return TensorSlot(name, base, head, incoming, parts)

    def slots(self) -> Iterator[TensorSlot]:
        """The tensors that are merged, in order."""
        return (self.slot(name) for name in self.base.names if self.merges(name))


@dataclass(frozen=True)
class StateTensor:
    """What a method's state holds for one merged tensor. dtype: as safetensors names it."""

    dtype: str
    shape: tuple[int, ...]


class Method(Protocol):
    """A merge method that works on elements, a chunk at a time; set up for one call of `merge`."""

    def parts(self, dtype: str) -> Mapping[str, str]:
        """Dtypes of what the state holds for a merged tensor of this dtype, by part; in the tensor's shape."""

    def prepare(self, inputs: Inputs) -> None:
        """Make a first pass over all tensors, for methods that need one."""

    def open(self, slot: TensorSlot) -> Kernel:
        """The kernel of this tensor. Called once for each merged tensor that has elements, in order.

        If no checkpoint has the tensor, only the state's parts are used: the merged values stay the head's.
        """


@runtime_checkable
class TensorMethod(Protocol):
    """A merge method that needs whole tensors, and whose state has shapes of its own; set up for one call of `merge`.

    Its memory depends on the largest tensor, not on the size of the files.
    """

    def state_tensors(self, slot: TensorSlot) -> Mapping[str, StateTensor]:
        """What the state holds for this tensor, by part; a part may leave tensors out. Must not read elements."""

    def prepare(self, inputs: Inputs) -> None:
        """Make a first pass over all tensors, for methods that need one."""

    def merge_tensor(self, slot: TensorSlot, emit: Emit) -> None:
        """Emit all elements of the merged tensor to WEIGHTS and those of each state tensor to its part.

        Outputs may alternate. Called once for each merged tensor that has elements, in order, also if no checkpoint
        has it.
        """


AnyMethod = Method | TensorMethod


def state_tensors(method: AnyMethod, slot: TensorSlot) -> Mapping[str, StateTensor]:
    """What the state of a method of either kind holds for a merged tensor, by part."""
    if isinstance(method, TensorMethod):
        return method.state_tensors(slot)
    return {part: StateTensor(dtype, slot.shape) for part, dtype in method.parts(slot.dtype).items()}


def merge(inputs: Inputs, method: AnyMethod, emit: Emit, on_tensor: Callable[[str], None] | None = None) -> list[str]:
    """Merge all tensors and emit them in order; return the names of merged tensors that no checkpoint has.

    on_tensor: called before each tensor; an exception that it raises ends the merge. Raises NotFinite, and ValueError
    for shapes that differ.
    """
    method.prepare(inputs)
    missing = []
    for name in inputs.base.names:
        if on_tensor is not None:
            on_tensor(name)
        if not inputs.merges(name):
            _copy(inputs.base.tensor(name), emit)
            continue
        slot = inputs.slot(name)
        keep_head = not slot.incoming and not inputs.from_state
        if keep_head:
            missing.append(name)
        if inputs.parts:
            _check_state(slot, state_tensors(method, slot))
        if not slot.size:
            continue
        if isinstance(method, TensorMethod):
            method.merge_tensor(slot, emit)
        else:
            _merge_chunks(slot, method, emit, keep_head=keep_head)
    return missing


def _check_state(slot: TensorSlot, expected: Mapping[str, StateTensor]) -> None:
    """Raise ValueError unless the previous state holds what the method keeps for this tensor."""
    for part, tensor in expected.items():
        if part not in slot.parts:
            raise ValueError(f"the state's {part} lacks the tensor {slot.name}")
        stored = slot.parts[part].stored
        if stored.shape != tensor.shape:
            raise ValueError(f"{slot.name} has shape {stored.shape} in the state's {part}, expected {tensor.shape}")
        if stored.dtype != tensor.dtype:
            raise ValueError(f"{slot.name} has dtype {stored.dtype} in the state's {part}, expected {tensor.dtype}")


def _merge_chunks(slot: TensorSlot, method: Method, emit: Emit, *, keep_head: bool) -> None:
    kernel = method.open(slot)
    parts = method.parts(slot.dtype)
    buffer = np.empty(min(CHUNK, slot.size), NUMPY_DTYPES[slot.dtype])
    for span in slot.spans():
        merged = buffer[: span.stop - span.start]
        state = kernel(span, merged) if parts or not keep_head else {}
        if keep_head:
            slot.round(slot.head.read(span), merged)
        emit(WEIGHTS, merged)
        for part in parts:
            emit(part, state[part])


def dot(one: Float64, other: Float64) -> float:
    """Scalar product by pairwise summation: more exact than BLAS, and independent of the number of threads."""
    return float(np.multiply(one, other).sum())


def _copy(tensor: TensorBytes, emit: Emit) -> None:
    for start in range(0, tensor.elements.size, CHUNK):
        emit(WEIGHTS, tensor.elements[start : start + CHUNK])
