"""Spherical linear interpolation (slerp) from θ to θ' along the great circle, tensor by tensor.

Source: K. Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985, section 3.3.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from merging.kernels import api as kernels
from merging.streaming import Inputs, Kernel, TensorSlot, dot, require_finite

_STRAIGHT: Final = 1e-6
"""Sine of an angle below which interpolation is linear, since the formula would divide by almost zero."""


@dataclass(frozen=True)
class Slerp:
    """Merge one checkpoint by slerp. time: T, from 0 (θ) to 1 (θ')."""

    time: float

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """No state."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Raise ValueError for several checkpoints."""
        if len(inputs.incoming) > 1:
            raise ValueError("slerp merges one checkpoint at a time")

    def open(self, slot: TensorSlot) -> Kernel:
        """(sin((1 − T) ω) θ + sin(T ω) θ') / sin ω, ω the angle between the two as vectors."""
        shares = _shares(_angle(slot), self.time) if slot.incoming else (1.0,)
        tensors = [slot.head, *(tensor for _, tensor in slot.incoming)]

        def kernel(span: slice, out: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
            number = kernels.combine([tensor.elements(span) for tensor in tensors], shares, out)
            require_finite(number, slot.name, tensors)
            return {}

        return kernel


def _angle(slot: TensorSlot) -> float:
    """ω in radians; 0 if one of the vectors is zero and so has no direction."""
    tensor = slot.incoming[0][1]
    product = one = other = 0.0
    for span in slot.spans():
        theta, incoming = slot.head.read(span), tensor.read(span)
        product += dot(theta, incoming)
        one += dot(theta, theta)
        other += dot(incoming, incoming)
    if one == 0.0 or other == 0.0:
        return 0.0
    return math.acos(max(-1.0, min(1.0, product / math.sqrt(one * other))))


def _shares(angle: float, time: float) -> tuple[float, float]:
    if math.sin(angle) < _STRAIGHT:
        return 1.0 - time, time
    return math.sin((1.0 - time) * angle) / math.sin(angle), math.sin(time * angle) / math.sin(angle)
