"""DARE: drop each entry of a task vector with probability p and divide the rest by 1 − p, then merge as usual.

Source: "Language models are super Mario", arXiv 2311.03099.
"""

import hashlib
from collections.abc import Sequence

from merging.kernels import api as kernels
from merging.streaming import Float64
from merging.task_arithmetic import Thin


def dare(drop_rate: float, seed: int, labels: Sequence[str | None]) -> Thin:
    """Return the function that thins the task vectors of checkpoints, by index.

    drop_rate: p, from 0 to below 1. labels: one for each checkpoint, so that drops differ; None drops nothing.
    Whether an entry is dropped depends only on the seed, the label, the tensor's name and the entry's position, which
    are the key and counter of its random number; not on chunks, threads, devices or library versions.
    """

    def thin(tau: Float64, name: str, index: int, start: int) -> None:
        if labels[index] is None:
            return
        key = hashlib.sha256(f"{seed}/{labels[index]}/{name}".encode()).digest()
        kernels.thin(tau, int.from_bytes(key[:8], "little"), start, drop_rate)

    return thin
