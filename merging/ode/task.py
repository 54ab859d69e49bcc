"""Task data: a task's calibration samples and classification head."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TaskData:
    """The calibration of one task.

    `images` is uint8 [N, 3, H, W], or float32 of that shape when they are normalised already, or int32 [N, L], token
    ids for a tower that takes them; `labels` int64 [N];
    `head` float32 [classes, d] with unit-norm rows; `utility` is the task's importance, not negative.
    Raises ValueError if these do not fit together.
    """

    name: str
    images: Tensor
    labels: Tensor
    head: Tensor
    utility: float = 1.0

    def __post_init__(self) -> None:
        if self.images.dtype not in (torch.uint8, torch.float32, torch.int32):
            raise ValueError(f"task {self.name}: images are {self.images.dtype}; uint8, float32 or int32 is needed")
        if len(self.images) == 0 or self.labels.shape != (len(self.images),):
            shapes = f"{tuple(self.images.shape)} images and {tuple(self.labels.shape)} labels"
            raise ValueError(f"task {self.name}: {shapes}; one label for each of at least one image is needed")
        if self.labels.dtype != torch.int64:
            raise ValueError(f"task {self.name}: labels are {self.labels.dtype}; int64 is needed")
        if self.head.ndim != 2 or not self.head.is_floating_point():
            raise ValueError(f"task {self.name}: head has shape {tuple(self.head.shape)}; float [classes, d] is needed")
        if int(self.labels.min()) < 0 or int(self.labels.max()) >= len(self.head):
            raise ValueError(f"task {self.name}: labels must be in 0..{len(self.head) - 1}, one per row of the head")
        if not 0 <= self.utility < float("inf"):
            raise ValueError(f"task {self.name}: utility is {self.utility}; a number from 0 is needed")

    def subset(self, indices: Tensor) -> "TaskData":
        """Return the task with the samples at `indices` (int64) only."""
        return TaskData(self.name, self.images[indices], self.labels[indices], self.head, self.utility)


@dataclass(frozen=True)
class Normalisation:
    """Channel means and standard deviations, of images in [0, 1], that normalise the tower's inputs."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
