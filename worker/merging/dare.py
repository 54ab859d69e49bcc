"""DARE: drop each entry of a task vector with probability p and divide the rest by 1 − p, then merge as usual.

Source: "Language models are super Mario", arXiv 2311.03099.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from worker.merging.task_arithmetic import Thin


def dare(drop_rate: float, seed: int, labels: Sequence[str | None]) -> Thin:
    """What thins the task vectors of checkpoints, by index.

    drop_rate: p, from 0 to below 1. labels: one for each checkpoint, so that drops differ; None leaves it whole.
    Whether an entry is dropped depends on seed, label, the tensor's name and the
    entry's place alone: not on chunks, threads, device or library versions.
    """

    def thin(tau: Tensor, name: str, index: int, start: int) -> Tensor:
        if labels[index] is None:
            return tau
        key = hashlib.sha256(f"{seed}/{labels[index]}/{name}".encode()).digest()
        kept = _uniform(int.from_bytes(key[:8], "little"), start, tau.numel()) >= drop_rate
        return tau.mul_(torch.from_numpy(kept)).div_(1.0 - drop_rate)

    return thin


def _uniform(key: int, start: int, count: int) -> np.ndarray:
    """Numbers in [0, 1), float64: element i is the i-th output of splitmix64 seeded by the key.

    Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    z = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(key)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z ^= z >> np.uint64(shift)
        z *= np.uint64(factor)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
