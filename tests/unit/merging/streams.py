"""Files of named tensors in memory for the streaming engine, and what comes out of it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from merging.streaming import WEIGHTS, AnyMethod, Inputs, StateTensor, merge, state_tensors
from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes, round_once
from worker.torch_tensors import to_tensor_bytes, to_torch

DTYPES = [torch.float32, torch.float16, torch.bfloat16]
State = dict[str, Tensor]


class Held:
    """Tensors in memory, with the interface of a file."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self.names = tuple(tensors)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def tensor(self, name: str) -> TensorBytes:
        return to_tensor_bytes(self._tensors[name])


def draw(seed: int, *shape: int, dtype: torch.dtype = torch.float32, spread: float = 3.0) -> Tensor:
    """Numbers of many magnitudes, so that roundings of every kind happen."""
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(*shape, generator=generator, dtype=torch.float64)
    scales = torch.exp(spread * torch.randn(*shape, generator=generator, dtype=torch.float64))
    return (numbers * scales).clamp(-1e4, 1e4).to(dtype)


def nearby(base: Tensor, seed: int) -> Tensor:
    """A fine-tuned tensor: the base with changes of many magnitudes."""
    change = draw(seed, *base.shape, dtype=torch.float64) * 0.1
    return (base.double() + change).to(base.dtype)


def run(
    method: AnyMethod,
    base: Mapping[str, Tensor],
    head: Mapping[str, Tensor],
    incoming: Sequence[Mapping[str, Tensor]],
    parts: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> tuple[State, dict[str, State], list[str]]:
    """Merge; returns the weights, the state's parts, and the names that every checkpoint lacks."""
    sinks: dict[str, list[bytes]] = {}
    held = {name: Held(tensors) for name, tensors in (parts or {}).items()}
    inputs = Inputs(Held(base), Held(head), tuple(map(Held, incoming)), held, scope=lambda _: True)
    missing = merge(inputs, method, lambda sink, chunk: sinks.setdefault(sink, []).append(chunk.tobytes()))
    like = {name: StateTensor(to_tensor_bytes(tensor).dtype, tuple(tensor.shape)) for name, tensor in base.items()}
    weights = _cut(sinks.pop(WEIGHTS), like)
    tensors: dict[str, dict[str, StateTensor]] = {}
    for slot in inputs.slots():
        for part, tensor in state_tensors(method, slot).items():
            tensors.setdefault(part, {})[slot.name] = tensor
    kept = {part: _cut(chunks, tensors[part]) for part, chunks in sinks.items()}
    return weights, kept, missing


def _cut(chunks: list[bytes], like: Mapping[str, StateTensor]) -> State:
    """Put the chunks of a sink, which come in order, back into tensors."""
    data = b"".join(chunks)
    result, position = {}, 0
    for name, tensor in like.items():
        flat = np.frombuffer(data, NUMPY_DTYPES[tensor.dtype], math.prod(tensor.shape), position)
        result[name] = to_torch(TensorBytes(tensor.dtype, tensor.shape, flat))
        position += flat.nbytes
    assert position == len(data), "something else was emitted too"
    return result


def rounded(values: Tensor, dtype: torch.dtype) -> Tensor:
    """The reference: float64 values of any shape, rounded once."""
    name = to_tensor_bytes(torch.empty(0, dtype=dtype)).dtype
    return to_torch(TensorBytes(name, tuple(values.shape), round_once(values.reshape(-1).numpy(), name)))
