"""The Gram family: joint merges that are functions of second moments of the task vectors.

For a matrix, out × in, and tasks i with weights u_i, the state holds beside S = Σ u τ (see `sums.py`)

    gram    [blocks, in·(in+1)/2]   A = Σ u_i P_i, the lower triangle row by row
    cross   [blocks, out, in]       B = Σ u_i τ_i P_i

where P_i, in × in, stands for the second moments of task i's inputs: a `Proxy`. The least squares problem
min_M Σ u_i tr((M − τ_i) P_i (M − τ_i)ᵀ) has the normal equations M A = B. With A = Q Λ Qᵀ every method is

    M = S + (B − S A) Q diag(h_k / λ_k) Qᵀ

with its own filter h: 1 solves the equations in direction k, 0 leaves the sum S there, as in directions that no task
has. The result is θ_pre + scale · M;
the first checkpoint is taken as it is.
Source: arXiv 2503.08099, equation 5 and its closed form in arXiv 2606.07289.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from torch import Tensor

from merging.matrices import MatrixView
from merging.streaming import Emit, Flat, Float64, Place
from merging.sums import SUM, Count, MatrixWriter, TaskSums, exact_sum, read_rows, row_blocks
from merging.symmetric import add_gram, eigh, mirror, pack, packed_size, unpack

GRAM, CROSS = "gram", "cross"

FLOOR: Final = 1e-8
"""Smallest eigenvalue that is divided by, where the trace is the number of tasks. Source: arXiv 2606.07289."""

Filter = Callable[[Float64], Float64]
"""From eigenvalues, ascending, floored, with the number of tasks as their sum, to h, which does not fall."""

_GRAM_UNIT: Final = 2.0**-50
"""P_i has trace 1 where it is normalised, so sums of multiples of this are exact up to entries of 8."""

_CROSS_BITS: Final = 56
"""τ P is rounded to 2^-56 of the base's root mean square: sums are exact up to entries of an eighth of it. Task vectors
of half a percent of the base keep 1e-13 relative precision, and those of 1e-5, all that float32 weights hold, 1e-10."""


@dataclass(frozen=True)
class TaskVectorProxy:
    """P = τᵀ τ: gradients are sums of inputs' outer products, so the rows of τ lie in the span of the inputs.

    normalised: P / ‖τ‖², so that every task weighs the same. density: the share of each τ's entries, by magnitude, that
    P is made of; the others count as 0 there.
    """

    normalised: bool
    density: float = 1.0

    def add(self, gram: Tensor, rows: Tensor, limit: float) -> None:
        """Add the part of these rows to τᵀτ."""
        if self.density < 1.0:
            rows = torch.where(rows.abs() >= limit, rows, 0.0)
        add_gram(gram, rows)

    def limit(self, tau: Callable[[], Iterator[Float64]]) -> float:
        """The smallest magnitude that is kept."""
        if self.density >= 1.0:
            return 0.0
        magnitudes = np.abs(np.concatenate([rows.reshape(-1) for rows in tau()]))
        kept = max(1, round(self.density * magnitudes.size))
        magnitudes.partition(magnitudes.size - kept)
        return float(magnitudes[magnitudes.size - kept])


@dataclass
class GramMerge(TaskSums):
    """A method of this family.

    scale: of the merged matrices from the second task on. device: where matrices are multiplied and decomposed.
    """

    proxy: TaskVectorProxy = field(default_factory=lambda: TaskVectorProxy(normalised=True))
    filter: Filter = np.ones_like
    scale: float = 1.0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def moment_shapes(self, view: MatrixView) -> Mapping[str, tuple[int, ...]]:
        """Of A, packed, and B."""
        return {GRAM: (view.blocks, packed_size(view.columns)), CROSS: view.shape}

    def moment_bytes(self, view: MatrixView) -> int:
        """Of A and B."""
        return 8 * view.columns * (view.columns + view.rows)

    def merge_matrices(self, place: Place, view: MatrixView, count: Count, emit: Emit) -> None:
        """Add to the moments, and solve, one matrix after the other."""
        writer = MatrixWriter(place, view, emit)
        for block in range(view.blocks):
            matrix = MatrixSums(self, place, view, block, count)
            gram, cross = matrix.moments()
            for piece in pack(gram):
                emit(GRAM, piece)
            emit(CROSS, cross.cpu().numpy().reshape(-1))
            update = self.solve(gram, cross, count)
            del gram, cross
            for rows in row_blocks(view):
                base, total = matrix.sum_rows(rows)
                emit(SUM, total.reshape(-1))
                base += update(rows, total)
                writer.put(block, rows, base)
        writer.finish()

    def solve(self, gram: Tensor, cross: Tensor, count: Count) -> Callable[[slice, Float64], Float64]:
        """What gives rows of scale · M from those of S. gram: its lower triangle, which is lost."""
        if not count.tasks:
            return lambda _, total: np.zeros_like(total)
        if count.tasks == 1:
            return lambda _, total: total * count.start_factor
        trace = float(gram.diagonal().sum())
        if trace <= 0.0:
            return lambda _, total: total * (count.start_factor * self.scale)
        values, vectors = eigh(gram)
        unit = trace / count.tasks
        floored = np.maximum(values.cpu().numpy() / unit, FLOOR)
        h = self.filter(floored)
        # At the floor no task has been: B − S A is rounding there, which must not be divided by so little.
        kept = int(np.count_nonzero((h > 0.0) & (floored > FLOOR)))
        vectors = vectors[:, vectors.shape[1] - kept :]
        gain = torch.from_numpy((h / floored / unit)[h.size - kept :]).to(self.device)
        done = gain * values[values.shape[0] - kept :]

        def update(rows: slice, total: Float64) -> Float64:
            start = torch.from_numpy(total * count.start_factor).to(self.device)
            left = cross[rows] @ vectors
            left *= gain
            left -= (start @ vectors) * done
            start.addmm_(left, vectors.T)
            merged: Float64 = start.mul_(self.scale).cpu().numpy()
            return merged

        return update


class MatrixSums:
    """The sums of one matrix with the incoming task vectors added."""

    def __init__(self, method: GramMerge, place: Place, view: MatrixView, block: int, count: Count) -> None:
        self._method, self._place, self._view, self._block, self._count = method, place, view, block, count
        self._incoming = method.weighted(place)

    def sum_rows(self, rows: slice) -> tuple[Float64, Float64]:
        """Rows of θ_pre and of S."""
        base = self._read(self._place.base, rows)
        total = self._state(SUM, rows)
        for weight, flat in self._incoming:
            total += weight * (self._read(flat, rows) - base)
        return base, total if self._count.tasks else np.zeros_like(total)

    def moments(self) -> tuple[Tensor, Tensor]:
        """A, its lower triangle, and B."""
        size, device = self._view.columns, self._method.device
        gram = torch.zeros(size, size, dtype=torch.float64)
        cross = np.empty((self._view.rows, size))
        for rows in row_blocks(self._view):
            cross[rows] = self._state(CROSS, rows)
        if GRAM in self._place.parts:
            flat = self._place.parts[GRAM]
            unpack(packed_block(flat, self._block), gram.numpy())
        gram, crossed = gram.to(device), torch.from_numpy(cross).to(device)
        for weight, flat in self._incoming:
            self._add(flat, weight, gram, crossed)
        if not self._count.tasks:
            gram.zero_()
            crossed.zero_()
        return gram, crossed

    def _add(self, flat: Flat, weight: float, gram: Tensor, cross: Tensor) -> None:
        """Add u P to A and u τ P to B, both rounded so that their sums are exact, where P is normalised."""
        proxy, size = self._method.proxy, self._view.columns
        limit = proxy.limit(lambda: (self._tau(flat, rows) for rows in row_blocks(self._view)))
        moment = torch.zeros_like(gram)
        squares = base_squares = 0.0
        for rows in row_blocks(self._view):
            base = self._read(self._place.base, rows)
            tau = self._read(flat, rows) - base
            squares += float(np.square(tau).sum())
            base_squares += float(np.square(base).sum())
            proxy.add(moment, torch.from_numpy(tau).to(gram.device), limit)
        if squares == 0.0:
            return
        factor = weight / squares if proxy.normalised else weight
        mirror(moment)
        root_mean_square = math.sqrt(base_squares / (self._view.rows * size))
        unit = 2.0 ** (math.frexp(root_mean_square)[1] - _CROSS_BITS) if base_squares else 0.0
        for rows in row_blocks(self._view):
            term = torch.from_numpy(self._tau(flat, rows)).to(gram.device) @ moment
            term *= factor
            if proxy.normalised and unit:
                exact_sum(term, unit)
            cross[rows] += term
        moment *= factor
        if proxy.normalised:
            exact_sum(moment, _GRAM_UNIT)
        gram += moment

    def _tau(self, flat: Flat, rows: slice) -> Float64:
        return self._read(flat, rows) - self._read(self._place.base, rows)

    def _read(self, flat: Flat, rows: slice) -> Float64:
        return read_rows(flat, self._view, self._block, rows)

    def _state(self, part: str, rows: slice) -> Float64:
        if part not in self._place.parts:
            return np.zeros((rows.stop - rows.start, self._view.columns))
        return read_rows(self._place.parts[part], MatrixView(*self._view.shape), self._block, rows)


def packed_block(flat: Flat, block: int) -> Float64:
    """One packed triangle of a state's part, [blocks, elements]. Raises NotFinite."""
    size = flat.raw.shape[1]
    return flat.read(slice(block * size, (block + 1) * size))
