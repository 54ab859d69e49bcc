"""The streaming engine: merges files of named tensors a chunk at a time, whatever the method.

    base, head, checkpoints, state (memory-mapped)  ->  chunk of float64  ->  method  ->  one rounding  ->  sinks

Every tensor of the base comes out, in the base's order and dtype. Memory depends on the chunk alone, not on the files.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from worker.merging.rounding import round_once

CHUNK: Final = 1 << 16
"""Elements handled at once: half a megabyte of float64, which stays in a core's cache."""

MERGEABLE: Final = frozenset({torch.float64, torch.float32, torch.bfloat16, torch.float16})
"""Dtypes of tensors that are merged. Eight-bit floats mean nothing without their scales: they are copied."""

WEIGHTS: Final = "weights"
"""The sink of the merged tensors; a method's state goes to sinks named as its parts."""

Emit = Callable[[str, Tensor], None]
"""Takes (sink, chunk): the next elements of that sink, flat and contiguous, in their final dtype."""

Merged = tuple[Tensor, Mapping[str, Tensor]]
"""A merged chunk in float64, and what the method keeps of it, by part."""


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

    def __getitem__(self, name: str) -> Tensor: ...


class Flat:
    """One tensor of one input, read a chunk at a time. `shape` is the tensor's."""

    def __init__(self, name: str, where: str, tensor: Tensor) -> None:
        self.name = name
        self.where = where
        self.tensor = tensor
        self.shape = tuple(tensor.shape)
        self.raw = tensor.reshape(-1)
        self._room = torch.empty(0, dtype=torch.float64)

    def read(self, span: slice) -> Tensor:
        """The chunk in float64, free to be changed and good until the next `read`. Raises NotFinite."""
        raw = self.raw[span]
        if self._room.numel() < raw.numel():
            # Kept: memory that is taken anew for every chunk costs more than the arithmetic.
            self._room = torch.empty(raw.numel(), dtype=torch.float64)
        chunk = self._room[: raw.numel()].copy_(raw)
        require_finite(chunk, self.name, self.where)
        return chunk

    def release(self) -> None:
        """Give back the memory that `read` keeps."""
        self._room = torch.empty(0, dtype=torch.float64)


def require_finite(chunk: Tensor, name: str, where: str) -> None:
    """Raises NotFinite. The sum of a chunk tells in one pass; only a suspicious one is looked at closely."""
    if not math.isfinite(float(chunk.sum())) and not bool(torch.isfinite(chunk).all()):
        raise NotFinite(name, where)


@dataclass(frozen=True)
class Place:
    """One tensor through all inputs. `incoming` has the index and the tensor of each checkpoint that has it."""

    name: str
    base: Flat
    head: Flat
    incoming: tuple[tuple[int, Flat], ...]
    parts: Mapping[str, Flat]

    @property
    def dtype(self) -> torch.dtype:
        """Of the output."""
        return self.base.tensor.dtype

    def spans(self, chunk: int = CHUNK) -> Iterator[slice]:
        """The tensor's elements in order, `chunk` at a time."""
        size = self.base.raw.numel()
        return (slice(start, min(start + chunk, size)) for start in range(0, size, chunk))


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
        return self.scope(name) and self.base[name].dtype in MERGEABLE

    def place(self, name: str) -> Place:
        """One tensor through all inputs. Raises ValueError when its shapes differ."""
        base = Flat(name, "the base", self.base[name])
        head = Flat(name, "the merged weights", self.head[name])
        found = [(index, source) for index, source in enumerate(self.incoming) if name in source]
        incoming = tuple((index, Flat(name, "the checkpoint", source[name])) for index, source in found)
        parts = {part: Flat(name, f"the state's {part}", source[name]) for part, source in self.parts.items()}
        for other in (head, *(flat for _, flat in incoming), *parts.values()):
            if other.shape != base.shape:
                raise ValueError(f"{name} has shape {other.shape} in {other.where}, expected {base.shape}")
        return Place(name, base, head, incoming, parts)

    def places(self) -> Iterator[Place]:
        """The tensors that are merged, in order."""
        return (self.place(name) for name in self.base.names if self.merges(name))


class Method(Protocol):
    """A merge method for one call of `merge`."""

    def parts(self, dtype: torch.dtype) -> Mapping[str, torch.dtype]:
        """The tensors that the method keeps for each merged tensor of this dtype, and their dtypes."""

    def prepare(self, inputs: Inputs) -> None:
        """Look at the whole network first, where the method must."""

    def open(self, place: Place) -> Callable[[slice], Merged]:
        """What merges this tensor, chunk by chunk. Called once for each merged tensor, in order.

        Without incoming tensors only the parts of what it returns are used: the merged values stay head's.
        """


def merge(inputs: Inputs, method: Method, emit: Emit, on_tensor: Callable[[str], None] | None = None) -> list[str]:
    """Merge and emit everything in order; returns the names of merged tensors that every checkpoint lacks.

    on_tensor: called before each tensor; what it raises ends the merge. Raises NotFinite, and ValueError on shapes.
    """
    method.prepare(inputs)
    missing = []
    for name in inputs.base.names:
        if on_tensor is not None:
            on_tensor(name)
        if not inputs.merges(name):
            _copy(inputs.base[name], emit)
            continue
        place = inputs.place(name)
        if not place.incoming:
            missing.append(name)
        _merge_tensor(place, method, emit)
    return missing


def _merge_tensor(place: Place, method: Method, emit: Emit) -> None:
    kernel = method.open(place)
    kept = method.parts(place.dtype)
    for span in place.spans():
        if place.incoming:
            values, parts = kernel(span)
            rounded = round_once(values, place.dtype)
        else:
            rounded = round_once(place.head.read(span), place.dtype)
            parts = kernel(span)[1] if kept else {}
        if not _within(rounded):
            raise NotFinite(place.name, "the result")
        emit(WEIGHTS, rounded)
        for part in kept:
            emit(part, parts[part])


def _within(rounded: Tensor) -> bool:
    """Whether all values are finite. Inputs are, so only an overflow in rounding can make others."""
    if rounded.dtype is torch.float16:
        # Exponent bits all ones: compared as integers, which is many times faster than float16 arithmetic on CPUs.
        exponents = np.bitwise_and(rounded.numpy().view(np.int16), 0x7C00)
        return int(exponents.max()) < 0x7C00 if exponents.size else True
    return math.isfinite(float(rounded.sum(dtype=torch.float64))) or bool(torch.isfinite(rounded).all())


def _copy(tensor: Tensor, emit: Emit) -> None:
    flat = tensor.reshape(-1)
    for start in range(0, flat.numel(), CHUNK):
        emit(WEIGHTS, flat[start : start + CHUNK])
