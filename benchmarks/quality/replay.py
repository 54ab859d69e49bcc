"""The sceptic's baselines: plain fine-tuning on what the merge has, and on everything."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from benchmarks.quality.material import Material, State
from benchmarks.quality.mergers import Arrival, Merged
from benchmarks.zoo.network import normalised


@dataclass(frozen=True)
class Replay:
    """The running average, then AdamW on the calibration memory: the mean of all tasks' losses, each in batches.

    It has the same samples as ODE-M, starts at every merge from what it made of the one before, and its rate falls
    to nothing over the steps. rate: AdamW's; steps: of each merge; batch: samples of each task in a step.
    """

    material: Material
    rate: float
    steps: int
    batch: int = 64
    weight_decay: float = 0.0

    def merge(self, arrival: Arrival) -> Merged:
        """Average, then fine-tune."""
        share = arrival.utilities[-1] / sum(arrival.utilities)
        start = {name: torch.lerp(tensor, arrival.checkpoint[name], share) for name, tensor in arrival.head.items()}
        if len(arrival.tasks) == 1:
            return Merged(start)
        generator = torch.Generator().manual_seed(len(arrival.tasks))

        def loss() -> tuple[Tensor, int]:
            losses, count = [], 0
            for sample in arrival.memory:
                chosen = torch.randperm(len(sample.labels), generator=generator)[: self.batch]
                losses.append(loss_of(self.material, sample.images[chosen], sample.labels[chosen], sample.head))
                count += len(chosen)
            return torch.stack(losses).mean(), count

        seen = descend(self.material, start, loss, self.rate, self.steps, self.weight_decay)
        return Merged(_parameters(self.material), seen, seen)


def descend(
    material: Material,
    start: State,
    loss: Callable[[], tuple[Tensor, int]],
    rate: float,
    steps: int,
    weight_decay: float,
) -> int:
    """Leave the tower after `steps` of AdamW from `start`, the rate annealed by a cosine; returns samples seen."""
    material.put(start)
    parameters = list(material.tower.requires_grad_().parameters())
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=weight_decay)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    seen = 0
    for _ in range(steps):
        optimiser.zero_grad()
        value, count = loss()
        value.backward()
        optimiser.step()
        rates.step()
        seen += count
    material.tower.requires_grad_(requires_grad=False)
    return seen


def _parameters(material: Material) -> State:
    return {name: item.detach().clone() for name, item in material.tower.named_parameters()}


def loss_of(material: Material, images: Tensor, labels: Tensor, head: Tensor) -> Tensor:
    """Mean cross-entropy, float32 [], of images uint8 [n, 3, H, W] with labels int64 [n] at the tower's parameters."""
    found = normalize(material.tower(normalised(images)), dim=-1)
    return cross_entropy(material.logit_scale * found @ head.T, labels)
