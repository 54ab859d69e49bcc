"""Calibration memory: a fixed budget of labelled samples of a lineage's tasks, stored as one blob for each version.

Tensors of its safetensors file, for task i in order of arrival: `<i>.images` uint8 [n, 3, H, W], `<i>.labels`
int64 [n], `<i>.head` float32 [classes, embed_dim]. Its metadata holds the tasks as JSON.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from pydantic import TypeAdapter
from torch import Tensor

from registry.blob import Blob
from registry.blobs.store import BlobStore
from registry.task import Task
from worker.safetensors_writer import abort_on_error
from worker.torch_tensors import Weights, entry_of, write_weights

_TASKS = TypeAdapter(tuple[Task, ...])
_TASKS_KEY = "tasks"


@dataclass(frozen=True)
class Sample:
    """The samples of one task, on the CPU: images uint8 [n, 3, H, W], labels int64 [n], head float32 [classes, d]."""

    task: Task
    images: Tensor
    labels: Tensor
    head: Tensor


def admit(memory: Sequence[Sample], incoming: Sample, budget: int, seed: int) -> tuple[Sample, ...]:
    """Add a task to the memory, as the last one, and keep budget // k samples of each of the k tasks.

    Replaces a task that the memory already has. `seed` draws the samples to keep, evenly over the classes.
    """
    kept = [sample for sample in memory if sample.task.name != incoming.task.name]
    share = max(1, budget // (len(kept) + 1))
    return tuple(_shrink(sample, share, seed) for sample in (*kept, incoming))


def _shrink(sample: Sample, share: int, seed: int) -> Sample:
    if len(sample.labels) <= share:
        return sample
    order = torch.randperm(len(sample.labels), generator=torch.Generator().manual_seed(seed))
    # The rank of each sample within its class, in the drawn order: keeping the lowest ranks balances the classes.
    seen: dict[int, int] = {}
    ranks = []
    for label in sample.labels[order].tolist():
        ranks.append(seen.get(label, 0))
        seen[label] = ranks[-1] + 1
    chosen = order[torch.tensor(ranks).argsort(stable=True)[:share]].sort().values
    return replace(sample, images=sample.images[chosen].clone(), labels=sample.labels[chosen].clone())


def load(blobs: BlobStore, digest: str | None) -> tuple[Sample, ...]:
    """Load the memory of a version; empty without a digest."""
    if digest is None:
        return ()
    file = Weights(blobs.path(digest))
    tasks = _TASKS.validate_json(file.metadata[_TASKS_KEY])
    return tuple(
        Sample(task=task, images=file[f"{i}.images"], labels=file[f"{i}.labels"], head=file[f"{i}.head"])
        for i, task in enumerate(tasks)
    )


def store(blobs: BlobStore, memory: Sequence[Sample]) -> Blob:
    """Write the memory as a blob. Raises StorageFull."""
    tensors = {
        f"{i}.{name}": getattr(sample, name) for i, sample in enumerate(memory) for name in ("images", "labels", "head")
    }
    entries = [entry_of(name, tensor) for name, tensor in tensors.items()]
    tasks = _TASKS.dump_json(tuple(sample.task for sample in memory)).decode()
    with abort_on_error(blobs.create()) as writer:
        write_weights(writer, entries, tensors.values(), {"format": "pt", _TASKS_KEY: tasks})
        return writer.commit()
