"""The ceiling: one model fine-tuned on the training data of all tasks at once, which no merge has."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks import pretrained
from benchmarks.pretrained.catalogue import Samples
from benchmarks.pretrained.training import SCHEDULES
from benchmarks.quality.material import Family, Material
from benchmarks.quality.replay import descend, loss_of

_BATCH = 4


def ceiling(family: Family, cache_dir: Path, material: Material, tasks: Sequence[str]) -> float | None:
    """Mean test accuracy of the joint model of these tasks, kept on disk; None for the zoo.

    It takes as many steps as fine-tuning on one task does, of batches of `_BATCH` samples of every task.
    """
    if family == "zoo":
        return None
    folder, entries = pretrained.build(pretrained.Plan(family, tuple(tasks)), cache_dir)
    file = folder.parent / f"joint-{len(tasks)}.json"
    if not file.is_file():
        train = {task.name: task.read()[1]["train"] for task in entries}
        steps = SCHEDULES[family].epochs * max(len(part.labels) for part in train.values()) // SCHEDULES[family].batch
        accuracies = _train(material, train, SCHEDULES[family].rate, steps)
        file.write_text(json.dumps(accuracies))
    accuracies = json.loads(file.read_text())
    return float(sum(accuracies.values()) / len(accuracies))


def _train(material: Material, train: Mapping[str, Samples], rate: float, steps: int) -> dict[str, float]:
    generator = torch.Generator().manual_seed(0)

    def loss() -> tuple[Tensor, int]:
        losses = []
        for name, part in train.items():
            batch = torch.randint(len(part.labels), (_BATCH,), generator=generator)
            head = material.subjects[name].pool.head
            losses.append(loss_of(material, part.inputs[batch], part.labels[batch], head))
        return torch.stack(losses).mean(), _BATCH * len(losses)

    descend(material, material.base, loss, rate, steps, weight_decay=0.01)
    return dict(zip(train, material.accuracies(list(train), "test"), strict=True))
