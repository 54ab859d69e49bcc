"""Parameters and gradients of a tower as views of one flat buffer each."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

ALIGNMENT = 32  # elements: views start at multiples of 128 bytes, as allocators' blocks do


@dataclass(frozen=True)
class Layout:
    """Offsets of each parameter in a flat float32 buffer; gaps between parameters hold zeros."""

    names: tuple[str, ...]
    shapes: tuple[torch.Size, ...]
    offsets: tuple[int, ...]
    size: int

    @classmethod
    def from_tower(cls, tower: nn.Module, theta_0: Mapping[str, Tensor], theta_1: Mapping[str, Tensor]) -> "Layout":
        """Lay out the parameters named by `theta_0`, in the tower's order.

        Raises ValueError where the two mappings or the tower differ in names or shapes, or where a tower's
        parameter is not float32.
        """
        if set(theta_0) != set(theta_1):
            odd = ", ".join(sorted(set(theta_0) ^ set(theta_1))[:8])
            raise ValueError(f"theta_0 and theta_1 name different parameters: {odd}")
        own = dict(tower.named_parameters())
        unknown = sorted(set(theta_0) - set(own))
        if unknown or not theta_0:
            raise ValueError(f"the merge scope names no parameter of the tower: {', '.join(unknown[:8]) or '(empty)'}")
        names = tuple(name for name in own if name in theta_0)
        offsets, end = [], 0
        for name in names:
            if own[name].dtype != torch.float32:
                raise ValueError(f"parameter {name} of the tower is {own[name].dtype}; float32 is needed")
            offsets.append(end)
            end += -(-own[name].numel() // ALIGNMENT) * ALIGNMENT
        return cls(names, tuple(own[name].shape for name in names), tuple(offsets), end)

    def views(self, buffer: Tensor) -> dict[str, Tensor]:
        """Return the parameters as views of `buffer` [size]."""
        return {
            name: buffer[offset : offset + shape.numel()].view(shape)
            for name, shape, offset in zip(self.names, self.shapes, self.offsets, strict=True)
        }

    def fill(self, buffer: Tensor, values: Mapping[str, Tensor]) -> None:
        """Copy `values` into `buffer`, a tensor at a time; ValueError where a shape differs."""
        for name, view in self.views(buffer).items():
            value = values[name]
            if value.shape != view.shape:
                raise ValueError(f"{name} has shape {tuple(value.shape)}; the tower's is {tuple(view.shape)}")
            view.copy_(value)


@contextmanager
def bound(tower: nn.Module, layout: Layout, point: Tensor, gradient: Tensor) -> Iterator[None]:
    """Make the laid-out parameters of `tower` views of `point`, their gradients views of `gradient`.

    On leaving, the parameters stay views of `point` (the tower holds what was computed); gradients and
    requires_grad flags are as before.
    """
    flags = {name: parameter.requires_grad for name, parameter in tower.named_parameters()}
    values, slopes = layout.views(point), layout.views(gradient)
    for name, parameter in tower.named_parameters():
        parameter.grad = None
        parameter.requires_grad_(name in values)
        if name in values:
            parameter.data = values[name]
            parameter.grad = slopes[name]
    try:
        yield
    finally:
        for name, parameter in tower.named_parameters():
            parameter.grad = None
            parameter.requires_grad_(flags[name])


def _chunk(buffer: Tensor) -> int:
    """Return the number of elements to widen to float64 at once: what fits a cache, or more on a GPU."""
    return 1 << 22 if buffer.is_cuda else 1 << 17


def pieces(buffers: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """Split the buffers at the same offsets and yield their pieces."""
    return zip(*(torch.split(buffer, _chunk(buffer)) for buffer in buffers), strict=True)


def gram(vectors: Sequence[Tensor], minuend: Tensor | None = None, subtrahend: Tensor | None = None) -> Tensor:
    """Return the dot products of all pairs, float64 [m, m] on the vectors' device; no synchronisation.

    With `minuend` and `subtrahend` their difference is the last vector; it is never held as a whole.
    """
    first = vectors[0] if vectors else minuend
    assert first is not None  # noqa: S101  # the caller passes vectors or a minuend
    extra = [] if minuend is None or subtrahend is None else [minuend, subtrahend]
    count = len(vectors) + bool(extra)
    total = torch.zeros(count, count, dtype=torch.float64, device=first.device)
    for cut in pieces([*vectors, *extra]):
        rows = torch.empty(count, len(cut[0]), dtype=torch.float64, device=first.device)
        for row, piece in zip(rows, cut[: len(vectors)], strict=False):
            row.copy_(piece)
        if extra:
            rows[-1].copy_(cut[-2]).sub_(cut[-1])
        total.addmm_(rows, rows.T)
    return total


def gram_values(vectors: Sequence[Tensor], minuend: Tensor, subtrahend: Tensor) -> np.ndarray:
    """Return `gram` as a numpy array: the one synchronisation that a decision needs."""
    values: np.ndarray = gram(vectors, minuend, subtrahend).cpu().numpy()
    return values


def add_difference_(out: Tensor, minuend: Tensor, subtrahend: Tensor, alpha: float) -> None:
    """Add alpha (minuend - subtrahend) to `out` in place, without a temporary of full size."""
    for piece, high, low in pieces([out, minuend, subtrahend]):
        piece.add_(high - low, alpha=alpha)
