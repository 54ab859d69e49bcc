"""What all runs on one family of models share: the network in memory, checkpoints, and samples, each in one split.

Merges draw their calibration memory from the calibration split, the validation split chooses methods' parameters, and
the test split decides nothing.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmarks import pretrained, zoo
from benchmarks.pretrained.catalogue import TASKS, Samples
from benchmarks.pretrained.networks import Network
from benchmarks.zoo import network as small_clip
from benchmarks.zoo.training import Schedule
from merging.ode import Normalisation
from registry.task import Task
from worker.calibration_memory import Sample

Family = Literal["text", "image", "zoo"]
State = dict[str, Tensor]
"""Parameters by the tower's names, float32."""

LARGEST: Final = {"text": 12, "image": len(TASKS["image"]), "zoo": 4}
"""Family -> how many of its tasks are streamed."""
_ZOO_TASKS: Final = ("stripes", "colours", "signs", "shapes")
_ZOO: Final = zoo.Plan(
    tasks=_ZOO_TASKS,
    mixture=_ZOO_TASKS,
    pretraining=Schedule(steps=150, batch=64, rate=2e-3),
    fine_tuning=Schedule(steps=80, batch=64, rate=1.5e-3),
    calibration_size=160,
    test_size=300,
)
"""Small networks trained from nothing in seconds: a fixture of tests, not a measure of quality."""
_POOL_SHARE: Final = 0.5
"""Of the zoo's calibration split: what the memory may draw from; the rest is for validation."""


@dataclass(frozen=True)
class Subject:
    """One task: its fine-tuned weights, the samples that a merge may be given, and those that no merge sees."""

    checkpoint: State
    pool: Sample
    validation: Samples
    test: Samples


class Material:
    """One family in memory, on the CPU. base: the pretrained parameters; checkpoints are mapped from their files.

    Accuracies are kept by the parameters' digest in a folder, so that no parameters are tested twice.
    """

    def __init__(self, network: Network, subjects: dict[str, Subject], accuracies: Path) -> None:
        self.network, self.subjects, self._accuracies = network, subjects, accuracies
        self._accuracies.mkdir(parents=True, exist_ok=True)
        self.tower = network.tower.requires_grad_(requires_grad=False)
        self.base: State = {name: item.detach().clone() for name, item in self.tower.named_parameters()}

    @torch.no_grad()
    def put(self, parameters: State) -> None:
        """Set the tower's parameters."""
        for name, item in self.tower.named_parameters():
            item.copy_(parameters[name])

    def accuracies(self, tasks: Sequence[str], split: str) -> list[float]:
        """Share of right predictions on the `test` or the `validation` samples of tasks, at the tower's parameters."""
        summed = hashlib.blake2b(digest_size=16)
        for item in self.tower.parameters():
            summed.update(item.detach().numpy().tobytes())
        return [self._accuracy(summed.hexdigest(), task, split) for task in tasks]

    @torch.no_grad()
    def _accuracy(self, digest: str, task: str, split: str) -> float:
        path = self._accuracies / f"{task}-{split}-{digest}"
        if not path.is_file():
            subject = self.subjects[task]
            samples: Samples = getattr(subject, split)
            built = (self.network.embed(samples.inputs) @ subject.pool.head.T).argmax(dim=-1)
            partial = path.with_suffix(f".{os.getpid()}")
            partial.write_text(str(float((built == samples.labels).double().mean())))
            partial.replace(path)
        return float(path.read_text())


def tasks_of(family: Family) -> tuple[str, ...]:
    """The tasks that streams of a family are made of."""
    return _ZOO_TASKS if family == "zoo" else TASKS[family][: LARGEST[family]]


def build(family: Family, cache_dir: Path, tasks: Sequence[str]) -> None:
    """Download and train what is missing."""
    if family == "zoo":
        zoo.build(cache_dir, _ZOO)
    else:
        pretrained.build(pretrained.Plan(family, tuple(tasks)), cache_dir)


def read(family: Family, cache_dir: Path, tasks: Sequence[str]) -> Material:
    """Read what has been built."""
    if family == "zoo":
        return _zoo(zoo.build(cache_dir, _ZOO, progress=False))
    base, built = pretrained.build(pretrained.Plan(family, tuple(tasks)), cache_dir)
    network = pretrained.load(family, cache_dir)
    scope = [name for name, _ in network.tower.named_parameters()]
    subjects = {}
    for task in built:
        head, splits = task.read()
        weights, pool = load_file(task.checkpoint), splits["calibration"]
        subjects[task.name] = Subject(
            checkpoint={name: weights[name] for name in scope},
            pool=Sample(Task(name=task.name, classnames=task.classnames), pool.inputs, pool.labels, head),
            validation=splits["validation"],
            test=splits["test"],
        )
    return Material(network, subjects, base.parent / "accuracies")


def _zoo(built: zoo.Zoo) -> Material:
    clip = small_clip.load(built.base)
    mean, std = built.preprocess["mean"], built.preprocess["std"]
    normalisation = Normalisation((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
    network = Network(clip.visual, float(clip.logit_scale.detach().double().exp()), normalisation)
    subjects = {}
    for task in built.tasks:
        split, test = zoo.read(task.calibration), zoo.read(task.test)
        images, labels = torch.from_numpy(split.images), torch.from_numpy(split.labels)
        cut = int(_POOL_SHARE * len(labels))
        head = small_clip.zero_shot_head(clip, task.kind).detach()
        described = Task(name=task.name, classnames=task.classnames, templates=task.templates)
        subjects[task.name] = Subject(
            checkpoint={n.removeprefix(small_clip.VISUAL): item for n, item in load_file(task.checkpoint).items()},
            pool=Sample(described, images[:cut], labels[:cut], head),
            validation=Samples(images[cut:], labels[cut:]),
            test=Samples(torch.from_numpy(test.images), torch.from_numpy(test.labels)),
        )
    return Material(network, subjects, built.base.parent / "accuracies")
