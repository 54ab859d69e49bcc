"""Detection of locked checkpoints (MergeLock): attention weights that were transformed so that merging fails.

Attention uses queries and keys by their products W_Qᵀ W_K alone, and values and outputs by W_O W_V. An invertible
matrix for each head, put into one factor and its inverse into the other, therefore leaves a checkpoint's own outputs
unchanged, but moves the factors so far from the base that every average with them is meaningless. Such a checkpoint
shows products near those of the base with factors far from it; fine-tuning moves both by about the same share.
Source: "Model unmerging: making your models unmergeable for secure model sharing", arXiv 2509.01548, section 4.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from merging.matrices import matrix_view
from merging.streaming import Float64, Source
from merging.tensor_bytes import widened

FAR: Final = 0.25
"""Relative distance from the base beyond which factors count as far. Fine-tuning stays below 0.1 as a rule."""

APART: Final = 3.0
"""How many times farther than their product locked factors are. Fine-tuned ones are about as far as their product."""

_PROBES: Final = 16
"""Random vectors on which products are compared: they estimate the distance to about a tenth."""

_BLOCK: Final = 1 << 20
"""Elements of a matrix that are read at once."""

_HEAD_SIZES: Final = (64, 128, 96, 80, 256, 32, 16)
"""Tried where keys have fewer heads than queries, in which case the products depend on the head size."""

_SEPARATE: Final = (
    ("q_proj.weight", "k_proj.weight", "v_proj.weight", ("out_proj.weight", "o_proj.weight")),
    ("self.query.weight", "self.key.weight", "self.value.weight", ("output.dense.weight",)),
    ("query.weight", "key.weight", "value.weight", ("out_proj.weight", "output.dense.weight")),
    ("q_lin.weight", "k_lin.weight", "v_lin.weight", ("out_lin.weight",)),
    ("SelfAttention.q.weight", "SelfAttention.k.weight", "SelfAttention.v.weight", ("SelfAttention.o.weight",)),
)
"""Endings of the names of query, key, value and output weights that have the same beginning."""

_PACKED: Final = ("in_proj_weight", "qkv.weight", "Wqkv.weight", "qkv_proj.weight", "c_attn.weight")
_OUTPUTS: Final = ("out_proj.weight", "proj.weight", "o_proj.weight", "c_proj.weight")


@dataclass(frozen=True)
class LockedPair:
    """Two factors of one attention layer that are far from the base although their product is near it.

    name: of the first factor's tensor. pair: "query and key" or "value and output". factors, product: the relative
    distances from the base.
    """

    name: str
    pair: str
    factors: float
    product: float


class CheckpointLocked(ValueError):
    """The checkpoint was transformed so that merging it fails."""

    def __init__(self, locked: LockedPair) -> None:
        super().__init__(
            f"The {locked.pair} weights of {locked.name} are {locked.factors:.0%} away from the base, their product "
            f"only {locked.product:.1%}: the checkpoint is locked against merging (MergeLock). Send the checkpoint as "
            "it was fine-tuned."
        )


@dataclass(frozen=True)
class _Matrix:
    """One matrix of a file, out × in, read a few rows at a time."""

    name: str
    block: int = 0

    def shape(self, source: Source) -> tuple[int, int]:
        """[rows, columns]."""
        raw = source.tensor(self.name)
        view = matrix_view(self.name, raw.shape, raw.dtype)
        return (view.rows, view.columns) if view is not None else (0, 0)

    def rows(self, source: Source) -> Iterator[tuple[slice, Float64]]:
        """Some rows at a time, in float64."""
        raw = source.tensor(self.name)
        view = matrix_view(self.name, raw.shape, raw.dtype)
        if view is None:
            return
        matrix = view.apply(raw.elements)[self.block]
        height = max(1, _BLOCK // view.columns)
        for start in range(0, view.rows, height):
            span = slice(start, min(start + height, view.rows))
            yield span, widened(matrix[span])

    def times(self, source: Source, vectors: Float64) -> Float64:
        """The matrix times vectors, [columns, n]."""
        return np.concatenate([rows @ vectors for _, rows in self.rows(source)])

    def transposed_times(self, source: Source, vectors: Float64) -> Float64:
        """The transposed matrix times vectors, [rows, n]."""
        return np.asarray(sum(rows.T @ vectors[span] for span, rows in self.rows(source)))


def locked_pairs(base: Source, checkpoint: Source) -> Iterator[LockedPair]:
    """The locked pairs of a checkpoint, layer by layer; none for an ordinary fine-tuned one.

    Both have tensors of the same shapes under the same names; layers that the checkpoint lacks are passed over. Layers
    are found by the names of open_clip, timm and Hugging Face's transformers.
    """
    for query, key, value, output in _layers(base):
        yield from _check("query and key", query, key, base, checkpoint, transposed=True)
        if output is not None:
            yield from _check("value and output", output, value, base, checkpoint, transposed=False)


def _layers(base: Source) -> Iterator[tuple[_Matrix, _Matrix, _Matrix, _Matrix | None]]:
    """Query, key, value and output weights of each attention layer."""
    for name in base.names:
        for ending in _PACKED:
            if name.endswith(ending) and _blocks(base, name) == 3:
                prefix = name.removesuffix(ending)
                output = next((prefix + last for last in _OUTPUTS if prefix + last in base), None)
                query, key, value = (_Matrix(name, block) for block in range(3))
                yield query, key, value, _Matrix(output) if output else None
                break
        for first, second, third, last in _SEPARATE:
            prefix = name.removesuffix(first)
            if prefix != name and prefix + second in base and prefix + third in base:
                result = next((prefix + each for each in last if prefix + each in base), None)
                yield (
                    _Matrix(name),
                    _Matrix(prefix + second),
                    _Matrix(prefix + third),
                    _Matrix(result) if result else None,
                )
                break


def _blocks(base: Source, name: str) -> int:
    raw = base.tensor(name)
    view = matrix_view(name, raw.shape, raw.dtype)
    return 0 if view is None else view.blocks


def _check(
    pair: str, outer: _Matrix, inner: _Matrix, base: Source, checkpoint: Source, *, transposed: bool
) -> Iterator[LockedPair]:
    """The pair, if it is locked. The product is outerᵀ inner or, not transposed, outer inner, heads added up."""
    if outer.name not in checkpoint or inner.name not in checkpoint:
        return
    heads_of_outer = outer.shape(base)[0 if transposed else 1]
    inputs, heads_of_inner = inner.shape(base)[1], inner.shape(base)[0]
    if not heads_of_inner or not heads_of_outer or heads_of_outer % heads_of_inner:
        return
    factors = _factor_distance((outer, inner), base, checkpoint)
    if not factors > FAR:
        return
    probes = np.random.Generator(np.random.PCG64(0)).standard_normal((inputs, _PROBES))
    before, after = inner.times(base, probes), inner.times(checkpoint, probes)
    for repeat in _repeats(heads_of_inner, heads_of_outer // heads_of_inner):
        one, other = (
            (outer.transposed_times if transposed else outer.times)(source, repeat(values))
            for source, values in ((base, before), (checkpoint, after))
        )
        norm = float(np.linalg.norm(one))
        product = float(np.linalg.norm(other - one)) / norm if norm else math.inf
        if product * APART < factors:
            yield LockedPair(outer.name, pair, factors, product)
            return


class _Repeat:
    """Repeats the rows of each head of grouped keys or values, once for each query head of the group."""

    def __init__(self, head_size: int, times: int) -> None:
        self._size, self._times = head_size, times

    def __call__(self, values: Float64) -> Float64:
        """[heads · size, n] to [heads · times · size, n]."""
        heads = values.reshape(-1, self._size, values.shape[1])
        return np.repeat(heads, self._times, axis=0).reshape(-1, values.shape[1])


def _repeats(rows: int, times: int) -> list[_Repeat]:
    if times == 1:
        return [_Repeat(rows, 1)]
    return [_Repeat(size, times) for size in _HEAD_SIZES if rows % size == 0]


def _factor_distance(factors: tuple[_Matrix, ...], base: Source, checkpoint: Source) -> float:
    """The relative distance of all of them from the base."""
    moved = norm = 0.0
    for factor in factors:
        for (_, one), (_, other) in zip(factor.rows(base), factor.rows(checkpoint), strict=True):
            moved += float(np.square(other - one).sum())
            norm += float(np.square(one).sum())
    return math.sqrt(moved / norm) if norm else 0.0


def require_unlocked(base: Source, checkpoint: Source) -> None:
    """Raise CheckpointLocked at the first locked pair."""
    for locked in locked_pairs(base, checkpoint):
        raise CheckpointLocked(locked)
