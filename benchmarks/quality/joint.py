"""The ceiling: one model fine-tuned on all training data of all tasks at once, which no merge has."""

from pathlib import Path

import torch
from torch import Tensor

from benchmarks import zoo
from benchmarks.quality.material import Material, State, read_tower
from benchmarks.quality.replay import descend, loss_of
from benchmarks.zoo import network
from benchmarks.zoo.build import digest
from benchmarks.zoo.catalogue import kind
from benchmarks.zoo.images import Split, stream

_BATCH = 16


def joint(plan: zoo.Plan, cache: Path, material: Material, steps: int) -> State:
    """The tower's parameters after `steps` from the base, each of a batch of every task; kept on disk."""
    file = cache / digest(plan) / f"joint-{steps}.safetensors"
    if not file.is_file():
        _train(plan, material, steps)
        state = {f"{network.VISUAL}{name}": item.detach() for name, item in material.tower.named_parameters()}
        network.save(state, file)
    return read_tower(file)


def _train(plan: zoo.Plan, material: Material, steps: int) -> None:
    data = {
        name: kind(name).sample(Split.TRAIN, plan.train_size, stream(plan.seed, name, Split.TRAIN))
        for name in plan.tasks
    }
    generator = torch.Generator().manual_seed(plan.seed)

    def loss() -> tuple[Tensor, int]:
        losses = []
        for name, found in data.items():
            chosen = torch.randint(len(found.labels), (_BATCH,), generator=generator)
            images, labels = torch.from_numpy(found.images)[chosen], torch.from_numpy(found.labels)[chosen]
            losses.append(loss_of(material, images, labels, material.subjects[name].pool.head))
        return torch.stack(losses).mean(), _BATCH * len(losses)

    descend(material, material.base, loss, plan.fine_tuning.rate, steps, plan.fine_tuning.weight_decay)
