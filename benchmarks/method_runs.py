"""One merge from sums, measured; bare decompositions; and the same merges in other orders."""

import ctypes
import dataclasses
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from benchmarks import method_networks as networks
from benchmarks.quality.mergers import InMemory, run_plan
from merging import streaming
from merging.streaming import Inputs
from merging.sums import TaskSums
from merging.symmetric import eigh, mirror, unpack
from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes
from worker.planning import Plan, PlanRequest, plan
from worker.planning_states import HeadState

State = Mapping[str, Tensor]
Parts = Mapping[str, State]


@dataclass(frozen=True)
class Measured:
    """ours, bare: median seconds; peak_mb: growth of anonymous memory in a merge."""

    network: str
    method: str
    ours: float
    bare: float
    peak_mb: float
    peak_over_moments: float
    device: str


def planned(method: str, base: State, checkpoint: State, parts: Parts, tasks: int, device: str = "cpu") -> Plan:
    """A merge of one checkpoint into this state, as the worker plans it."""
    files = {part: InMemory(tensors) for part, tensors in parts.items()}
    family = None if not tasks else _family(method, base, checkpoint)
    made = plan(
        PlanRequest(
            recipe={"method": method},
            base=InMemory(base),
            head=InMemory(base),
            checkpoint=InMemory(checkpoint),
            task=f"task {tasks}",
            utility=1.0,
            scratch=Path(tempfile.gettempdir()),
            state=HeadState(tasks=tasks, family=family, parts=lambda: files),
            earlier={f"task {index}": 1.0 for index in range(tasks)},
            device=device,
        )
    )
    assert isinstance(made.method, TaskSums)
    return made


def _family(method: str, base: State, checkpoint: State) -> str | None:
    return planned(method, base, checkpoint, {}, 0).family


def measure_all(network: str, shrink: int, methods: Sequence[str], rounds: int, device: str) -> list[Measured]:
    """Each method in turn."""
    return [measure(network, shrink, method, rounds, device) for method in methods]


def measure(network: str, shrink: int, method: str, rounds: int, device: str) -> Measured:
    """Merge a third checkpoint, and decompose the moments that it leads to, in turn."""
    base = networks.base(networks.block(network, shrink))
    parts: Parts = {}
    for seed in range(2):
        _, parts = run_plan(planned(method, base, networks.checkpoint(base, seed), parts, seed))
    incoming = networks.checkpoint(base, 2)
    grams = _grams(parts, device)
    ours, bare, peak = [], [], 0.0
    for _ in range(rounds):
        bare.append(_seconds(lambda: [eigh(gram.clone()) for gram in grams], device))
        made = planned(method, base, incoming, parts, 2, device)
        with _Peak() as grown:
            ours.append(_seconds(partial(streaming.merge, made.inputs, made.method, _discard), device))
        peak = max(peak, grown.peak)
    method_ = made.method
    assert isinstance(method_, TaskSums)
    views = [view for slot in made.inputs.slots() if (view := method_.view_of(slot)) is not None]
    largest = max(method_.moment_bytes(view) for view in views)
    where = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    return Measured(
        network, method, statistics.median(ours), statistics.median(bare), peak / 1e6, peak / largest, where
    )


def _grams(parts: Parts, device: str) -> list[Tensor]:
    """Every symmetric matrix of the state."""
    grams = []
    for part in ("gram", "gram_left"):
        for packed in parts.get(part, {}).values():
            for row in packed.numpy():
                size = int((np.sqrt(8 * row.size + 1) - 1) / 2)
                gram = torch.zeros(size, size, dtype=torch.float64)
                unpack(row, gram.numpy())
                grams.append(mirror(gram).to(device))
    return grams


def _discard(_: str, __: object) -> None:
    pass


def _seconds(action: Callable[[], object], device: str) -> float:
    """Of all threads of this process, so that other load disturbs less; of the clock on a GPU."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    started = clock()
    action()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - started


class _Peak:
    """Watches how far this process's anonymous memory grows in a `with` block, in bytes."""

    def __enter__(self) -> Self:
        # Freed memory that the allocator keeps would hide what the block takes.
        ctypes.CDLL(None).malloc_trim(0)
        self.peak, self._start, self._done = 0.0, _anonymous(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            self.peak = max(self.peak, _anonymous() - self._start)


def _anonymous() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return float(line.split()[1]) * 1024


def differences(method: str) -> tuple[float, float]:
    """Largest differences of a parameter: four checkpoints in another order, and all at once."""
    base = networks.base(networks.block("vit-b-32", 8))
    tasks = [networks.checkpoint(base, seed) for seed in range(4)]
    one, other = (
        _one_by_one(method, base, [tasks[index] for index in order]) for order in ((0, 1, 2, 3), (2, 0, 3, 1))
    )
    joint = planned(method, base, tasks[0], {}, 0)
    everything = Inputs(InMemory(base), InMemory(base), tuple(map(InMemory, tasks)), {}, lambda _: True)
    assert isinstance(joint.method, TaskSums)
    at_once = dataclasses.replace(joint.method, weights=(1.0,) * len(tasks))
    together, _ = run_plan(dataclasses.replace(joint, inputs=everything, method=at_once))
    return _largest_difference(one, other), _largest_difference(one, together)


def _one_by_one(method: str, base: State, tasks: Sequence[State]) -> State:
    merged: State = base
    parts: Parts = {}
    for index, task in enumerate(tasks):
        merged, parts = run_plan(planned(method, base, task, parts, index))
    return merged


def _largest_difference(one: State, other: State) -> float:
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)


class _Shapes:
    """Tensors without contents, for their shapes alone."""

    def __init__(self, shapes: networks.Shapes) -> None:
        self._shapes = shapes
        self.names = tuple(shapes)

    def __contains__(self, name: object) -> bool:
        return name in self._shapes

    def tensor(self, name: str) -> TensorBytes:
        """Zeros that take no memory."""
        shape = self._shapes[name]
        return TensorBytes("F32", shape, np.broadcast_to(np.zeros(1, np.float32), (int(np.prod(shape)),)))


def state_over_weights(method: str) -> float:
    """Bytes of the state of ViT-B/32's visual tower over those of its float32 weights."""
    source = _Shapes(networks.vit_b_32())
    made = planned(method, {}, {}, {}, 0)
    inputs = Inputs(source, source, (), {}, lambda _: True)
    weights = state = 0
    for slot in inputs.slots():
        weights += 4 * slot.size
        for kept in streaming.state_tensors(made.method, slot).values():
            state += int(np.prod(kept.shape)) * NUMPY_DTYPES[kept.dtype].itemsize
    return state / weights
