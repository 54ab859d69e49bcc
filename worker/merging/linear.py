"""Linear interpolation with a given weight: (1 − α) θ + α θ'.

Source: WiSE-FT, "Robust fine-tuning of zero-shot models", arXiv 2109.01903.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from worker.merging import kernels
from worker.merging.streaming import Inputs, Merged, Place


@dataclass(frozen=True)
class Linear:
    """alpha: α, the checkpoint's share, from 0 to 1. Several checkpoints are taken one after another."""

    alpha: float

    def parts(self, dtype: str) -> Mapping[str, str]:  # noqa: ARG002
        """None."""
        return {}

    def prepare(self, inputs: Inputs) -> None:
        """Nothing."""

    def open(self, place: Place) -> Callable[[slice], Merged]:
        """(1 − α) θ + α θ'."""

        def kernel(span: slice) -> Merged:
            theta = place.head.read(span, 1.0 - self.alpha)
            for number, (_, flat) in enumerate(place.incoming):
                if number:
                    kernels.scale(theta, 1.0 - self.alpha)
                flat.add_to(theta, span, self.alpha)
            return theta, {}

        return kernel
