"""The sceptic's baseline: plain fine-tuning on the samples that the merge has."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from benchmarks.quality.material import Material, State
from benchmarks.quality.mergers import Arrival, DataFreeMerger, Merged, Recipe, clone


@dataclass
class Replay:
    """A start, then AdamW on the calibration memory: the mean of all tasks' losses, each in batches.

    It has the same samples as ODE-M, and its rate falls to nothing over the steps. start: a data-free recipe whose
    result of all tasks so far it starts from at each merge, or None: the running average of its own results and the
    checkpoint. rate: AdamW's; steps: of each merge; batch: samples of each task in a step.
    """

    material: Material
    rate: float
    steps: int
    start: Recipe | None = None
    batch: int = 64
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        self._closed_form = None if self.start is None else DataFreeMerger(self.material, self.start)

    def merge(self, arrival: Arrival) -> Merged:
        """Merge, then fine-tune."""
        start = self._start(arrival)
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
        return Merged(clone(dict(self.material.tower.named_parameters())), seen, seen)

    def _start(self, arrival: Arrival) -> State:
        if self._closed_form is not None:
            return self._closed_form.merge(arrival).parameters
        share = arrival.utilities[-1] / sum(arrival.utilities)
        return {name: torch.lerp(tensor, arrival.checkpoint[name], share) for name, tensor in arrival.head.items()}


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
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=weight_decay, fused=True)
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


def loss_of(material: Material, inputs: Tensor, labels: Tensor, head: Tensor) -> Tensor:
    """Mean cross-entropy, float32 [], of stored inputs with labels int64 [n] at the tower's parameters."""
    embedded = normalize(material.tower(material.network.prepared(inputs)), dim=-1)
    return cross_entropy(material.network.logit_scale * embedded @ head.T, labels)
