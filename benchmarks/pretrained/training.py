"""Heads of the base, and fine-tuning as it is usually done: AdamW at a small rate, two epochs, the head fixed."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from benchmarks.pretrained.catalogue import Data, Samples
from benchmarks.pretrained.networks import Family, Network, tokenize


@dataclass(frozen=True)
class Schedule:
    """AdamW's rate, warmed up over a tenth of the steps and annealed by a cosine; batches of `batch` samples."""

    rate: float
    epochs: int = 2
    batch: int = 32
    weight_decay: float = 0.01


SCHEDULES: Final[dict[Family, Schedule]] = {"text": Schedule(rate=3e-5, batch=16), "image": Schedule(rate=2e-4)}


@torch.no_grad()
def head(network: Network, data: Data, cache_dir: Path) -> Tensor:
    """Unit-norm rows [classes, d] of the base: of prompts, or the means of the training samples of each class."""
    if data.prompts:
        rows = [network.embed(tokenize(prompts, cache_dir)).mean(dim=0) for prompts in data.prompts]
    else:
        train = data.splits["train"]
        embedded = network.embed(train.inputs)
        rows = [embedded[train.labels == label].mean(dim=0) for label in range(len(data.classnames))]
    return normalize(torch.stack(rows), dim=-1)


def fine_tune(network: Network, rows: Tensor, samples: Samples, schedule: Schedule, seed: int = 0) -> None:
    """Train the tower in place against a fixed head. It stays in eval mode: statistics of batch norms are frozen."""
    parameters = list(network.tower.requires_grad_().parameters())
    optimiser = torch.optim.AdamW(parameters, lr=schedule.rate, weight_decay=schedule.weight_decay, fused=True)
    steps = schedule.epochs * math.ceil(len(samples.labels) / schedule.batch)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.rate, steps, pct_start=0.1)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(schedule.epochs):
        for batch in torch.randperm(len(samples.labels), generator=generator).split(schedule.batch):
            optimiser.zero_grad()
            embedded = normalize(network.tower(network.prepared(samples.inputs[batch])), dim=-1)
            cross_entropy(network.logit_scale * embedded @ rows.T, samples.labels[batch]).backward()
            optimiser.step()
            rates.step()
    network.tower.requires_grad_(requires_grad=False)


@torch.no_grad()
def accuracy(network: Network, rows: Tensor, samples: Samples) -> float:
    """Share of samples whose nearest row is that of their label."""
    embedded = (network.embed(samples.inputs) @ rows.T).argmax(dim=-1)
    return float((embedded == samples.labels).double().mean())
