"""The running average of checkpoints: θ + (θ' − θ) T_k, a tensor at a time.

Source: model soups, arXiv 2203.05482; its continual form keeps one running mean.
"""

import torch
from torch import Tensor


def average(theta: Tensor, incoming: Tensor, operating_time: float) -> Tensor:
    """The merged tensor, in `theta`'s dtype and shape, computed in float64 and rounded once.

    operating_time: T_k in [0, 1]; 1/k makes the result the mean of k checkpoints. Raises ValueError on shapes that
    differ or a time out of range.
    """
    if theta.shape != incoming.shape:
        raise ValueError(f"shapes differ: {tuple(theta.shape)} and {tuple(incoming.shape)}")
    if not 0.0 <= operating_time <= 1.0:
        raise ValueError(f"operating_time is {operating_time}; a number from 0 to 1 is needed")
    start, end = theta.to(torch.float64), incoming.to(torch.float64)
    return torch.lerp(start, end, operating_time).to(theta.dtype)


def operating_time(utility: float, others: float) -> float:
    """T_k = u_k / (u_k + the utilities of all that was merged before, the base's included)."""
    return utility / (utility + others)
