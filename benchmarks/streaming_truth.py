"""The definitions in float64 on whole tensors, and how much of a merged file is their correctly rounded value."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.streaming_runs import DENSITY, SCALING, Setting
from worker.torch_tensors import Weights

_EVERY = 6
"""Of the full-size models, every so many tensors are compared (the largest among them): whole files take minutes."""


def share_correctly_rounded(setting: Setting, output: Path, every_tensor: bool) -> float:
    """The share of elements that are the nearest bfloat16, ties to even, of the method's value in float64."""
    merged = Weights(next(path for path in output.rglob("*") if path.is_file() and path.stat().st_size > 1 << 20))
    base, *models = map(Weights, setting.paths)
    right = total = 0
    for name in base.names[:: 1 if every_tensor else _EVERY]:
        expected = _definition(setting.method, base[name], [model[name] for model in models])
        elements = merged[name].reshape(-1)
        for start in range(0, expected.numel(), 1 << 22):
            piece = slice(start, start + (1 << 22))
            right += int((_nearest(expected[piece]) == elements[piece].double()).sum())
        total += elements.numel()
    return right / total


def _definition(method: str, base: Tensor, models: list[Tensor]) -> Tensor:
    start = base.reshape(-1).double()
    result = torch.zeros_like(start)
    if method == "linear":
        for model in models:
            result += model.reshape(-1).double()
        return result / len(models)
    if method == "task_arithmetic":
        for model in models:
            result += model.reshape(-1).double() - start
        return start + SCALING * result
    return start + _ties(start, models)


def _ties(start: Tensor, models: list[Tensor]) -> Tensor:
    positive, negative = torch.zeros_like(start), torch.zeros_like(start)
    up, down = torch.zeros(len(start), dtype=torch.int16), torch.zeros(len(start), dtype=torch.int16)
    keep = max(1, round(DENSITY * len(start)))
    for model in models:
        tau = model.reshape(-1).double() - start
        limit = np.partition(tau.abs().numpy(), len(start) - keep)[len(start) - keep]
        tau = torch.where(tau.abs() >= float(limit), tau, 0.0)
        positive += tau.clamp(min=0)
        negative += tau.clamp(max=0)
        up += tau > 0
        down += tau < 0
    total = positive + negative
    mean = torch.where(total > 0, positive / up.clamp(min=1), negative / down.clamp(min=1))
    return torch.where(total == 0, 0.0, mean)


def _nearest(values: Tensor) -> Tensor:
    """The nearest bfloat16 as float64, by arithmetic on significands: another way than the engine's."""
    significand, exponent = np.frexp(values.numpy())
    return torch.from_numpy(np.ldexp(np.rint(significand * 256.0), exponent - 8))
