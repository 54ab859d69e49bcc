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
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from merging.matrices import MatrixView
from merging.streaming import Emit, Float64, InputTensor, TensorSlot
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


class Proxy(Protocol):
    """What stands for the second moments of a task's inputs."""

    @property
    def normalised(self) -> bool:
        """Whether P is divided by its trace, so that every task weighs the same."""

    def covers(self, name: str) -> bool:
        """Whether there is a P for the tensor; without one it is averaged."""

    def moment(self, task: "IncomingMatrix") -> Tensor:
        """P, [in, in] on the task's device, its lower triangle."""


@dataclass(frozen=True)
class TaskVectorProxy:
    """P = τᵀ τ: gradients are sums of outer products with the inputs, so the rows of τ lie in the inputs' span.

    normalised: P / ‖τ‖². density: the share of each τ's entries, by magnitude, that P is made of; the others count as 0
    there.
    """

    normalised: bool
    density: float = 1.0

    def covers(self, name: str) -> bool:  # noqa: ARG002
        """Every matrix has a task vector."""
        return True

    def moment(self, task: "IncomingMatrix") -> Tensor:
        """P, [in, in], its lower triangle."""
        limit = self._limit(task) if self.density < 1.0 else 0.0
        gram = torch.zeros(task.view.columns, task.view.columns, dtype=torch.float64, device=task.device)
        for _, tau in task.tau():
            rows = torch.from_numpy(tau).to(task.device)
            add_gram(gram, torch.where(rows.abs() >= limit, rows, 0.0) if limit else rows)
        return gram

    def _limit(self, task: "IncomingMatrix") -> float:
        """The smallest magnitude that is kept."""
        magnitudes = np.abs(np.concatenate([tau.reshape(-1) for _, tau in task.tau()]))
        dropped = magnitudes.size - max(1, round(self.density * magnitudes.size))
        magnitudes.partition(dropped)
        return float(magnitudes[dropped])


@dataclass
class GramMerge(TaskSums):
    """A method of this family.

    scale: of the merged matrices from the second task on. mean_start: divide S by the number of tasks, so that where h
    is 0 the mean stays. device: where matrices are multiplied and decomposed.
    """

    proxy: Proxy = field(default_factory=lambda: TaskVectorProxy(normalised=True))
    filter: Filter = np.ones_like
    scale: float = 1.0
    mean_start: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def view_of(self, slot: TensorSlot) -> MatrixView | None:
        """The tensor as matrices, where the proxy covers it."""
        return super().view_of(slot) if self.proxy.covers(slot.name) else None

    def moment_shapes(self, view: MatrixView) -> Mapping[str, tuple[int, ...]]:
        """Of A, packed, and B."""
        return {GRAM: (view.blocks, packed_size(view.columns)), CROSS: view.shape}

    def moment_bytes(self, view: MatrixView) -> int:
        """Of A and B."""
        return 8 * view.columns * (view.columns + view.rows)

    def merge_matrices(self, slot: TensorSlot, view: MatrixView, count: Count, emit: Emit) -> None:
        """Add to the moments, and solve, one matrix after the other."""
        writer = MatrixWriter(slot, view, emit)
        for block in range(view.blocks):
            matrix = MatrixSums(self, slot, view, block, count)
            update = self.open_matrix(matrix, count, emit)
            for rows in row_blocks(view):
                base, total = matrix.sum_rows(rows)
                emit(SUM, total.reshape(-1))
                base += update(rows, total)
                writer.put(block, rows, base)
        writer.finish()

    def open_matrix(self, matrix: "MatrixSums", count: Count, emit: Emit) -> "Update":
        """Emit the moments, and solve."""
        gram, cross = matrix.moments()
        for piece in pack(gram):
            emit(GRAM, piece)
        emit(CROSS, cross.cpu().numpy().reshape(-1))
        return self.solve(gram, cross, count)

    def solve(self, gram: Tensor, cross: Tensor, count: Count) -> "Update":
        """What gives rows of scale · M from those of S. gram: its lower triangle, which is lost."""
        trace = float(gram.diagonal().sum())
        if count.tasks < 2 or trace <= 0.0:
            return self.unsolved(count)
        start_factor = count.start_factor / (count.tasks if self.mean_start else 1)
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
            start = torch.from_numpy(total * start_factor).to(self.device)
            left = cross[rows] @ vectors
            left *= gain
            left -= (start @ vectors) * done
            start.addmm_(left, vectors.T)
            merged: Float64 = start.mul_(self.scale).cpu().numpy()
            return merged

        return update

    def unsolved(self, count: Count) -> "Update":
        """M = S, for at most one task, whose checkpoint is taken as it is, or without any task vector."""
        return lambda _, total: total * (count.start_factor if count.tasks else 0.0)


Update = Callable[[slice, Float64], Float64]
"""From the numbers of some rows and those rows of S to rows of scale · M."""


@dataclass(frozen=True)
class IncomingMatrix:
    """One matrix of one incoming checkpoint. index: the checkpoint's. device: where to compute."""

    slot: TensorSlot
    view: MatrixView
    block: int
    index: int
    flat: InputTensor
    device: torch.device

    def tau(self) -> Iterator[tuple[slice, Float64]]:
        """The task vector, some rows at a time, [rows, in]. Raises NotFinite."""
        for rows in row_blocks(self.view):
            tau = read_rows(self.flat, self.view, self.block, rows)
            tau -= read_rows(self.slot.base, self.view, self.block, rows)
            yield rows, tau


class MatrixSums:
    """The sums of one matrix with the incoming task vectors added."""

    def __init__(self, method: GramMerge, slot: TensorSlot, view: MatrixView, block: int, count: Count) -> None:
        self._method, self._slot, self._view, self._block, self._count = method, slot, view, block, count
        self.tasks = [
            (weight, IncomingMatrix(slot, view, block, index, flat, method.device))
            for weight, index, flat in method.weighted(slot)
        ]

    def sum_rows(self, rows: slice) -> tuple[Float64, Float64]:
        """Rows of θ_pre and of S."""
        base = read_rows(self._slot.base, self._view, self._block, rows)
        total = self._state(SUM, rows)
        for weight, task in self.tasks:
            total += weight * (read_rows(task.flat, self._view, self._block, rows) - base)
        return base, total if self._count.tasks else np.zeros_like(total)

    def moments(self) -> tuple[Tensor, Tensor]:
        """A, its lower triangle, and B."""
        cross = np.empty((self._view.rows, self._view.columns))
        for rows in row_blocks(self._view):
            cross[rows] = self._state(CROSS, rows)
        gram, crossed = self.triangle(GRAM, self._view.columns), torch.from_numpy(cross).to(self._method.device)
        for weight, task in self.tasks:
            self._add(task, weight, gram, crossed)
        if not self._count.tasks:
            gram.zero_()
            crossed.zero_()
        return gram, crossed

    def triangle(self, part: str, size: int) -> Tensor:
        """A symmetric matrix of the state before, [size, size], its lower triangle. Raises NotFinite."""
        matrix = torch.zeros(size, size, dtype=torch.float64)
        if part in self._slot.parts:
            flat, elements = self._slot.parts[part], packed_size(size)
            unpack(flat.read(slice(self._block * elements, (self._block + 1) * elements)), matrix.numpy())
            flat.release()
        return matrix.to(self._method.device)

    def _add(self, task: IncomingMatrix, weight: float, gram: Tensor, cross: Tensor) -> None:
        """Add u P to A and u τ P to B; both are rounded so that their sums are exact, where P is normalised."""
        proxy = self._method.proxy
        moment = proxy.moment(task)
        trace = float(moment.diagonal().sum())
        if trace == 0.0:
            return
        factor = weight / trace if proxy.normalised else weight
        unit = self._cross_unit() if proxy.normalised else 0.0
        mirror(moment)
        for rows, tau in task.tau():
            term = torch.from_numpy(tau).to(gram.device) @ moment
            term *= factor
            if unit:
                exact_sum(term, unit)
            cross[rows] += term
        moment *= factor
        if proxy.normalised:
            exact_sum(moment, _GRAM_UNIT)
        gram += moment

    def _cross_unit(self) -> float:
        """What the terms of B are multiples of; 0 where the base is."""
        squares = 0.0
        for rows in row_blocks(self._view):
            squares += float(np.square(read_rows(self._slot.base, self._view, self._block, rows)).sum())
        root_mean_square = math.sqrt(squares / (self._view.rows * self._view.columns))
        return 2.0 ** (math.frexp(root_mean_square)[1] - _CROSS_BITS) if squares else 0.0

    def _state(self, part: str, rows: slice) -> Float64:
        if part not in self._slot.parts:
            return np.zeros((rows.stop - rows.start, self._view.columns))
        return read_rows(self._slot.parts[part], MatrixView(*self._view.shape), self._block, rows)
