"""Operating time: the time at which the path from head to the incoming checkpoint ends."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class OperatingTime:
    """T, the horizon to which the path is followed (beyond T if T is chosen along the path), and the reason."""

    value: float
    horizon: float
    reason: str


def from_utilities(utilities: Sequence[float], base_utility: float) -> float:
    """Return T_k = u_k / (u_0 + u_1 + ... + u_k), the incoming task's share of all utility.

    Source: ODE-M's operating time 1/k for equal utilities (arXiv 2605.19409, §3.1). Raises ValueError if all
    utilities are 0.
    """
    total = base_utility + sum(utilities)
    if not total > 0:
        raise ValueError("all utilities are 0: the incoming task's share is not defined")
    return utilities[-1] / total


def operating_time(
    choice: str | float, utilities: Sequence[float], base_utility: float, auto_limit: float
) -> OperatingTime:
    """Resolve the recipe's `operating_time`.

    With "auto" the time is searched up to `auto_limit` times the share, and at most half of the way from it to 1,
    where the field has a pole.
    """
    if not isinstance(choice, str):
        return OperatingTime(choice, choice, "given by the recipe")
    share = from_utilities(utilities, base_utility)
    if choice == "auto":
        return OperatingTime(
            share, min(auto_limit * share, (1.0 + share) / 2), "to be chosen on held-out calibration samples"
        )
    return OperatingTime(share, share, "the incoming task's share of all utility")
