"""Pretraining the base on all kinds of image, and fine-tuning its visual tower on one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from open_clip.model import CLIP
from torch import Tensor
from torch.nn import functional

from benchmarks.zoo.images import Kind, Labelled
from benchmarks.zoo.network import fresh, normalised, tokens, zero_shot_head

Tick = Callable[[], object]
"""Called after each step."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train: AdamW, the rate warmed up over a tenth of the steps and then annealed."""

    steps: int
    batch: int
    rate: float
    weight_decay: float = 0.05


def pretrain(kinds: Sequence[Kind], data: Sequence[Labelled], schedule: Schedule, seed: int, tick: Tick) -> CLIP:
    """A CLIP in whose embedding space images of all kinds lie near the prompts of their classes.

    Each step compares a batch of images with the prompts of all classes of all kinds in one template; as many images
    share a caption here, the comparison goes from images to texts only. Source: CLIP, arXiv 2103.00020, section 2.3;
    for shared captions UniCL, arXiv 2204.03610.
    """
    network = fresh(seed).train()
    prompts = [tokens([kind.templates[i].format(name) for kind in kinds for name in kind.classnames]) for i in range(2)]
    firsts = torch.tensor([0, *(len(kind.classnames) for kind in kinds)]).cumsum(0)[:-1]
    images = torch.cat([torch.from_numpy(item.images) for item in data])
    labels = torch.cat([torch.from_numpy(item.labels) + first for item, first in zip(data, firsts, strict=True)])

    def loss(batch: Tensor, number: int) -> Tensor:
        found = network.encode_image(normalised(images[batch]), normalize=True)
        texts = network.encode_text(prompts[number % 2], normalize=True)
        return functional.cross_entropy(network.logit_scale.exp() * found @ texts.T, labels[batch])

    # The words keep their random embeddings: most of the vocabulary's 49,408 rows belong to words that never come.
    trained = [item for name, item in network.named_parameters() if name != "token_embedding.weight"]
    network.token_embedding.requires_grad_(requires_grad=False)
    _descend(trained, loss, len(labels), schedule, seed, tick)
    return network.eval()


def fine_tune(network: CLIP, kind: Kind, data: Labelled, schedule: Schedule, seed: int, tick: Tick) -> None:
    """Train the visual tower in place on one kind, against its fixed zero-shot head; leaves it in eval mode."""
    head, scale = zero_shot_head(network, kind), network.logit_scale.detach().exp()
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    network.train()

    def loss(batch: Tensor, _: int) -> Tensor:
        found = network.encode_image(normalised(images[batch]), normalize=True)
        return functional.cross_entropy(scale * found @ head.T, labels[batch])

    _descend(list(network.visual.parameters()), loss, len(labels), schedule, seed, tick)
    network.eval()


def _descend(
    parameters: list[Tensor],
    loss: Callable[[Tensor, int], Tensor],
    samples: int,
    schedule: Schedule,
    seed: int,
    tick: Tick,
) -> None:
    optimiser = torch.optim.AdamW(parameters, lr=schedule.rate, weight_decay=schedule.weight_decay, fused=True)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.rate, schedule.steps, pct_start=0.1)
    for number, batch in enumerate(_batches(samples, schedule.batch, schedule.steps, seed)):
        optimiser.zero_grad()
        loss(batch, number).backward()
        optimiser.step()
        rates.step()
        tick()


def _batches(samples: int, size: int, steps: int, seed: int) -> Iterator[Tensor]:
    """Indices of `steps` batches: all samples in a random order, again and again."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if len(order) < size:
            order = torch.randperm(samples, generator=generator)
        batch, order = order[:size], order[size:]
        yield batch
