"""What all runs share: the zoo's models in memory, and its images, each in one split.

The calibration split of a task is cut in two: the memory may draw from the first part; the rest is for validation,
which chooses the methods' parameters. Test images decide nothing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmarks import zoo
from benchmarks.zoo import network
from benchmarks.zoo.images import Labelled
from merging.ode import Normalisation
from registry.task import Task
from worker.calibration_memory import Sample

State = dict[str, Tensor]
"""Parameters by name."""

POOL_SHARE: Final = 0.5
"""Of the calibration split: what the memory may draw from."""


@dataclass(frozen=True)
class Subject:
    """One task: its fine-tuned weights, by the tower's names, and its images.

    pool: the samples that a merge may be given. validation, test: images that no merge sees.
    """

    checkpoint: State
    pool: Sample
    validation: Labelled
    test: Labelled


class Material:
    """A zoo in memory, on one thread of the CPU."""

    def __init__(self, found: zoo.Zoo) -> None:
        self.zoo = found
        self._network = network.load(found.base)
        self.tower: nn.Module = self._network.visual.requires_grad_(requires_grad=False)
        self.base: State = {name: item.detach().clone() for name, item in self.tower.named_parameters()}
        self.logit_scale = float(self._network.logit_scale.detach().double().exp())
        mean, std = found.preprocess["mean"], found.preprocess["std"]
        self.normalisation = Normalisation((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
        self.subjects = {task.name: self._subject(task) for task in found.tasks}

    def _subject(self, task: zoo.ZooTask) -> Subject:
        split = zoo.read(task.calibration)
        cut = int(POOL_SHARE * len(split.labels))
        pool = Sample(
            task=Task(name=task.name, classnames=task.classnames, templates=task.templates),
            images=torch.from_numpy(split.images[:cut]),
            labels=torch.from_numpy(split.labels[:cut]),
            head=network.zero_shot_head(self._network, task.kind).detach(),
        )
        return Subject(
            checkpoint=read_tower(task.checkpoint),
            pool=pool,
            validation=Labelled(split.images[cut:], split.labels[cut:]),
            test=zoo.read(task.test),
        )

    @torch.no_grad()
    def put(self, parameters: State) -> None:
        """Set the tower's parameters."""
        for name, item in self.tower.named_parameters():
            item.copy_(parameters[name])

    def accuracy(self, parameters: State, task: str, split: str) -> float:
        """Share of right answers on the `test` or the `validation` images of a task."""
        self.put(parameters)
        subject = self.subjects[task]
        return network.accuracy(self._network, subject.pool.head, getattr(subject, split))


def read_tower(path: Path) -> State:
    """A checkpoint's visual parameters, by the tower's names."""
    return {name.removeprefix(network.VISUAL): tensor for name, tensor in load_file(path).items()}
