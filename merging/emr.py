"""EMR: elect a sign for each entry by the sum of all task vectors, then take the largest magnitude of that sign.

The unified vector f ∘ max{|τ_j| : sign τ_j = f}, f = sign Σ τ, depends on the sum, the largest and the smallest value
of each entry, so merging one checkpoint at a time in any order equals merging all of them. A task's own model is
recovered approximately from the unified vector, a mask of one bit an entry and one scale: see `agreement` and
`rescaler`.
Source: "EMR-Merging: tuning-free high-performance model merging", arXiv 2405.17461, section 3.2; its code gives an
entry whose sum is zero the negative sign.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merging.running_sums import SUM, RunningSum
from merging.streaming import CHUNK, Float64, Inputs, InputTensor, Kernel, TensorSlot
from merging.tensor_bytes import NUMPY_DTYPES

HIGHEST: Final = "highest"
LOWEST: Final = "lowest"


@dataclass(frozen=True)
class Emr:
    """One merge by EMR.

    scaling: λ, the share of the unified vector that is added to the base. The state holds S and the extreme values θ'
    themselves, the base's included: float32 has these exactly, where their differences from the base may need more.
    """

    scaling: float = 1.0

    def parts(self, dtype: str) -> Mapping[str, str]:
        """S, and the largest and the smallest value of each entry."""
        values = "F64" if dtype == "F64" else "F32"
        return {SUM: "F64", HIGHEST: values, LOWEST: values}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, slot: TensorSlot) -> Kernel:
        """θ_pre + λ τ_uni."""
        total = RunningSum(slot, SUM)
        before = [slot.parts.get(part) for part in (HIGHEST, LOWEST)]
        rooms = np.empty((3, min(CHUNK, slot.size)))

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            base = slot.base.read(span)
            highest, lowest, tau = (room[: base.size] for room in rooms)
            _start(highest, before[0], span, base)
            _start(lowest, before[1], span, base)
            sums = total.start(span)
            for _, tensor in slot.incoming:
                values = tensor.read(span)
                np.maximum(highest, values, out=highest)
                np.minimum(lowest, values, out=lowest)
                np.subtract(values, base, out=tau)
                sums += tau
            elected = np.where(sums > 0, highest, lowest)
            slot.round(elected if self.scaling == 1.0 else base + self.scaling * (elected - base), out)
            stored = NUMPY_DTYPES[self.parts(slot.dtype)[HIGHEST]]
            return {SUM: sums, HIGHEST: highest.astype(stored), LOWEST: lowest.astype(stored)}

        return kernel


def _start(values: Float64, before: InputTensor | None, span: slice, base: Float64) -> None:
    """The extreme values so far; those of the base where there are none."""
    values[:] = base if before is None else before.read(span)


def agreement(tau: Float64, unified: Float64) -> NDArray[np.bool_]:
    """M_j: where a task vector has the sign of the unified one. Any shape."""
    return tau * unified > 0


def rescaler(tau: Float64, unified: Float64) -> float:
    """λ_j = Σ |τ_j| / Σ |M_j ∘ τ_uni|, over all of a model's entries; 0 where the unified vector shares no sign.

    θ_pre + λ_j M_j ∘ τ_uni is task j's own model, approximately. Source: arXiv 2405.17461, equation 4.
    """
    shared = float(np.abs(unified[agreement(tau, unified)]).sum())
    return float(np.abs(tau).sum()) / shared if shared else 0.0
