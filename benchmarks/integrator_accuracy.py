"""Accuracy and cost of the integrators on the demo's models, merged one after the other.

`python -m benchmarks.engine --zoo FOLDER` runs it; FOLDER keeps the zoo, which is trained there if it is missing.
"""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmarks.zoo import Zoo, build, network, read
from merging.ode import Normalisation, OdeConfig, TaskData, merge

BUDGET = 512
PATH = {"coefficients": False, "refine": False}
"""A recipe's words for the path and nothing after it."""


@dataclass(frozen=True)
class Sequel:
    """What a sequence of merges came to: accuracy on test images after the last, and gradient evaluations of all."""

    label: str
    mean: float
    worst: float
    evaluations: float
    calibration_loss: float


class Lineage:
    """The demo's tasks, to be merged in their order under different recipes."""

    def __init__(self, folder: Path, device: str) -> None:
        zoo: Zoo = build(folder)
        self.device = device
        self.base = network.load(zoo.base).to(device)
        self.tower: nn.Module = self.base.visual
        self.scale = float(self.base.logit_scale.detach().exp())
        self.normalisation = Normalisation(tuple(zoo.preprocess["mean"]), tuple(zoo.preprocess["std"]))
        self.names = [task.name for task in zoo.tasks]
        on_host = network.load(zoo.base)
        self.heads = [network.zero_shot_head(on_host, task.kind) for task in zoo.tasks]
        self.calibration = [read(task.calibration) for task in zoo.tasks]
        self.test = [read(task.test) for task in zoo.tasks]
        self.theta_0 = {name: value.detach().clone() for name, value in self.tower.named_parameters()}
        self.checkpoints = [self._scope(load_file(task.checkpoint)) for task in zoo.tasks]

    def _scope(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: state[network.VISUAL + name] for name in self.theta_0}

    def merge(self, label: str, recipe: Mapping[str, object]) -> Sequel:
        """Merge all checkpoints under a recipe."""
        theta, evaluations, loss = self.theta_0, 0.0, 0.0
        for number, checkpoint in enumerate(self.checkpoints):
            share = BUDGET // (number + 1)
            memory = [self._task(task, share) for task in range(number + 1)]
            outcome = merge(
                self.tower,
                theta,
                checkpoint,
                memory,
                logit_scale=self.scale,
                normalisation=self.normalisation,
                config=OdeConfig.from_recipe(recipe),
                origin=self.theta_0,
            )
            theta = {name: value.clone() for name, value in outcome.parameters.items()}
            evaluations += outcome.report.gradient_evaluations
            loss = statistics.mean(outcome.report.losses_after.values())
        accuracies = [self._accuracy(task) for task in range(len(self.names))]
        return Sequel(label, statistics.mean(accuracies), min(accuracies), evaluations, loss)

    def _task(self, task: int, share: int) -> TaskData:
        data = self.calibration[task]
        images, labels = torch.from_numpy(data.images)[:share], torch.from_numpy(data.labels)[:share]
        return TaskData(self.names[task], images, labels, self.heads[task])

    @torch.no_grad()
    def _accuracy(self, task: int) -> float:
        """Return the accuracy of the tower with its present parameters, on a task's test images."""
        images, right = torch.from_numpy(self.test[task].images), 0
        labels, head = torch.from_numpy(self.test[task].labels).to(self.device), self.heads[task].to(self.device)
        for part, wanted in zip(images.split(256), labels.split(256), strict=True):
            logits = self.tower(network.normalised(part).to(self.device)) @ head.T
            right += int((logits.argmax(-1) == wanted).sum())
        return right / len(images)


def measure(folder: Path, device: str, note: Callable[[str], None]) -> list[Sequel]:
    """Return what the integrators come to, the running average for comparison."""
    sequence = Lineage(folder, device)
    rows = []
    for label, recipe in (
        ("running average", {"rectifier": "none", **PATH}),
        ("euler, h = 0.01", {"integrator": "euler", "step_size": 0.01, **PATH}),
        ("euler, h = 0.05", {"integrator": "euler", "step_size": 0.05, **PATH}),
        ("adaptive (default)", PATH),
        ("adaptive, then coefficients and refinement", {}),
        ("the same, automatic time", {"operating_time": "auto"}),
        ("the same, form A", {"rectifier": "aggregate"}),
    ):
        note(f"zoo: {label}")
        rows.append(sequence.merge(label, recipe))
    return rows
