"""RegMean: every layer's outputs on its tasks' own inputs, in the least squares sense.

W = (Σ u W_i G_i) (Σ u G_i)⁻¹ with G_i = XᵀX / rows, X the layer's inputs at checkpoint i, [rows, in]. In terms of task
vectors it is θ_pre + B A⁺ with P_i = G_i, off-diagonal entries times 0.95, so its state is the Gram family's.
Source: arXiv 2212.09849, equation 2 and section 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from merging.gram import GramMerge, IncomingMatrix
from merging.streaming import InputTensor, Source

FAMILY: Final = "regmean"


@dataclass(frozen=True)
class InputMoments:
    """P = G from outside. sources: for each checkpoint, G [in, in] by the names of the tensors whose inputs were seen.

    Packed query, key and value share their G. off_diagonal: what other entries than the diagonal are multiplied by.
    """

    sources: Sequence[Source]
    off_diagonal: float = 0.95
    normalised: bool = False

    def covers(self, name: str) -> bool:
        """Whether every checkpoint has a G for it."""
        return all(name in source for source in self.sources)

    def moment(self, task: IncomingMatrix) -> Tensor:
        """G. Raises ValueError where its shape is another, NotFinite."""
        name, size = task.slot.name, task.view.columns
        raw = self.sources[task.index].tensor(name)
        if raw.shape != (size, size):
            raise ValueError(f"the input moments of {name} have shape {raw.shape}, expected {(size, size)}")
        flat = InputTensor(name, "the input moments", raw)
        gram = torch.from_numpy(flat.read(slice(0, size * size)).reshape(size, size)).to(task.device)
        diagonal = gram.diagonal().clone()
        gram *= self.off_diagonal
        gram.diagonal().copy_(diagonal)
        return gram


def regmean(
    weights: tuple[float, ...], moments: Sequence[Source], *, off_diagonal: float = 0.95, **options: Any
) -> GramMerge:
    """moments: the `sources` of `InputMoments`, one for each weight. options: fields of `GramMerge`.

    Directions without any input keep the mean of the task vectors.
    """
    proxy = InputMoments(moments, off_diagonal)
    return GramMerge(weights, proxy=proxy, filter=np.ones_like, mean_start=True, **options)
