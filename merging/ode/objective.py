"""Objective: the tasks' calibration losses and gradients at the tower's present parameters."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from merging.ode.augment import Crops
from merging.ode.config import OdeConfig
from merging.ode.task import Normalisation, TaskData


@dataclass
class Passes:
    """Counts of samples passed through the tower, and of gradients over all tasks."""

    forward_samples: int = 0
    backward_samples: int = 0
    gradient_evaluations: float = 0.0


class Objective(Protocol):
    """Losses and gradients of several tasks at one point θ, which is a flat float32 buffer [n]."""

    point: Tensor
    gradient: Tensor
    names: tuple[str, ...]
    passes: Passes

    def loss(self, task: int) -> Tensor:
        """Return L_task(θ), float64 [] on the point's device."""
        ...

    def add_gradient(self, task: int, weight: float, on_row: Callable[[], None] | None = None) -> Tensor:
        """Add weight ∇L_task(θ) to `gradient` and return L_task(θ).

        `on_row` is called when `gradient` holds the constraint row of the task, if the buffer was zero before and the
        weight is 1.
        """
        ...

    def row(self, task: int) -> None:
        """Overwrite `gradient` with the constraint row of the task."""
        ...


@dataclass(frozen=True)
class Batch:
    """Samples start..stop. A task's loss is the mean of its batches' mean losses, its gradient the sum of theirs."""

    start: int
    stop: int


@dataclass(frozen=True)
class Estimator:
    """How losses and gradients are estimated from samples.

    With `batch_size` None, means over all samples. Otherwise as the published code does: the leading
    `max_batches` batches are read, a loss is the mean of the batches' means, a gradient their *sum*, and the
    constraints' gradients come from the first batch.
    """

    batch_size: int | None = None
    max_batches: int = 8

    def batches(self, samples: int) -> list[Batch]:
        """Cut a task's samples into batches."""
        if self.batch_size is None:
            return [Batch(0, samples)]
        starts = range(0, samples, self.batch_size)[: self.max_batches]
        return [Batch(start, min(start + self.batch_size, samples)) for start in starts]


@dataclass
class _Resident:
    """One task's samples and head on the device."""

    images: Tensor
    labels: Tensor
    head: Tensor
    batches: list[Batch] = field(default_factory=list)


class TowerObjective:
    """Cross-entropy of s · normalise(f_θ(x)) Wᵀ, with f the tower and θ its bound parameters.

    Source: arXiv 2605.19409, §3. Images stay on the device as they came (uint8 for images not normalised) and are
    normalised as they are read. No pass takes more than `micro_batch` samples; sums over micro-batches make the
    result independent of it but for rounding.
    """

    def __init__(
        self,
        tower: nn.Module,
        point: Tensor,
        gradient: Tensor,
        tasks: Sequence[TaskData],
        *,
        logit_scale: float,
        normalisation: Normalisation | None,
        config: OdeConfig,
    ) -> None:
        if normalisation is None and any(task.images.dtype == torch.uint8 for task in tasks):
            raise ValueError("uint8 images need a normalisation")
        device = point.device
        estimator = Estimator(config.batch_size if config.estimator == "batches" else None, config.max_batches)
        self.point, self.gradient = point, gradient
        self.names = tuple(task.name for task in tasks)
        self.passes = Passes()
        self.data = [
            _Resident(
                task.images.to(device),
                task.labels.to(device),
                task.head.to(device, torch.float32),
                estimator.batches(len(task.images)),
            )
            for task in tasks
        ]
        self._samples = sum(batch.stop - batch.start for data in self.data for batch in data.batches)
        self._tower = torch.compile(tower) if config.compile else tower
        self._logit_scale, self._micro_batch = logit_scale, config.micro_batch
        self._autocast = _autocast(config.precision, device)
        if normalisation is not None:
            mean, std = (
                torch.tensor(x, device=device).view(1, 3, 1, 1) for x in (normalisation.mean, normalisation.std)
            )
            self._scale, self._shift = 1 / (255 * std), -mean / std

    def loss(self, task: int) -> Tensor:
        """Return L_task(θ), float64 []."""
        data = self.data[task]
        total = torch.zeros((), dtype=torch.float64, device=self.point.device)
        with torch.no_grad():
            for batch in data.batches:
                for part in self._parts(batch):
                    total += self._loss(data, part, batch).detach().double()
        return total / len(data.batches)

    def add_gradient(self, task: int, weight: float, on_row: Callable[[], None] | None = None) -> Tensor:
        """Add weight ∇L_task(θ) to `gradient` and return L_task(θ); see `Objective`."""
        data = self.data[task]
        total = torch.zeros((), dtype=torch.float64, device=self.point.device)
        for number, batch in enumerate(data.batches):
            total += self._descend(data, batch, weight)
            if number == 0 and on_row is not None:
                on_row()
        return total / len(data.batches)

    def row(self, task: int) -> None:
        """Overwrite `gradient` with the gradient of the task's first batch."""
        self.gradient.zero_()
        self._descend(self.data[task], self.data[task].batches[0], 1.0)

    def accuracy(self, task: int) -> float:
        """Return the share of the task's samples whose label is its most probable class."""
        data, right = self.data[task], torch.zeros((), dtype=torch.int64, device=self.point.device)
        with torch.no_grad():
            for part in self._parts(Batch(0, len(data.labels))):
                right += (self._logits(data, self._read(data.images[part])).argmax(-1) == data.labels[part]).sum()
        self.passes.forward_samples += len(data.labels)
        return float(right) / len(data.labels)

    def add_drawn_gradient(self, task: int, indices: Tensor, weight: float, crops: Crops) -> Tensor:
        """Add weight times the gradient of the mean loss over the samples at `indices`, cropped, to `gradient`.

        Returns that loss, float32 [].
        """
        data = self.data[task]
        total = torch.zeros((), device=self.point.device)
        for part in torch.split(indices, self._micro_batch):
            raw = data.images.dtype == torch.uint8
            logits = self._logits(data, self._read(crops(data.images[part]), raw=raw))
            loss = cross_entropy(logits, data.labels[part], reduction="sum") / len(indices)
            (loss * weight).backward()
            total += loss.detach()
        self._count(len(indices), backward=True)
        return total

    def _parts(self, batch: Batch) -> list[slice]:
        """Cut a batch into micro-batches and count the samples that are about to be read forward."""
        size = self._micro_batch
        return [slice(at, min(at + size, batch.stop)) for at in range(batch.start, batch.stop, size)]

    def _descend(self, data: _Resident, batch: Batch, weight: float) -> Tensor:
        """Add weight times the gradient of a batch's mean loss to `gradient`; return that loss."""
        total = torch.zeros((), dtype=torch.float64, device=self.point.device)
        for part in self._parts(batch):
            loss = self._loss(data, part, batch)
            (loss if weight == 1.0 else loss * weight).backward()
            total += loss.detach().double()
        self.passes.backward_samples += batch.stop - batch.start
        self.passes.gradient_evaluations += (batch.stop - batch.start) / self._samples
        return total

    def _loss(self, data: _Resident, part: slice, batch: Batch) -> Tensor:
        """Return a micro-batch's share of its batch's mean loss, float32 []."""
        logits = self._logits(data, self._read(data.images[part]))
        self.passes.forward_samples += part.stop - part.start
        labels, size = data.labels[part], batch.stop - batch.start
        if part.stop - part.start == size:
            return cross_entropy(logits, labels)
        return cross_entropy(logits, labels, reduction="sum") / size

    def _logits(self, data: _Resident, images: Tensor) -> Tensor:
        with self._autocast():
            embeddings = self._tower(images)
        normalised = normalize(embeddings.float(), dim=-1)
        return self._logit_scale * (normalised @ data.head.T)

    def _read(self, images: Tensor, *, raw: bool | None = None) -> Tensor:
        """Normalise images that are `raw` on the fly, by default those of uint8; others are normalised already."""
        raw = images.dtype == torch.uint8 if raw is None else raw
        return self._shift + self._scale * images if raw else images

    def _count(self, samples: int, *, backward: bool) -> None:
        self.passes.forward_samples += samples
        if backward:
            self.passes.backward_samples += samples
            self.passes.gradient_evaluations += samples / self._samples


def passes_precision(precision: str, device: torch.device) -> str:
    """Resolve the precision of the passes on a device: "auto" is bf16 on a GPU that has it, else float32."""
    if precision != "auto":
        return precision
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def _autocast(precision: str, device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    """Return the context for the tower's passes under a precision of the recipe."""
    if passes_precision(precision, device) != "bf16":
        return nullcontext
    return lambda: torch.autocast(device.type, torch.bfloat16)
