"""Labelled images, the splits that they belong to, and the random streams that keep the splits apart."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

SIZE = 32
"""Height and width of every image, in pixels."""

Floats = npt.NDArray[np.float32]


class Split(StrEnum):
    """Which part of an experiment an image may be used in. No image is in two splits.

    `PRETRAINING` images are drawn in a plainer style than the others: the base model meets every subject, but mostly
    not the way a task shows it, as a pretrained CLIP has met more digits in print than scans of handwriting.
    """

    PRETRAINING = "pretraining"
    TRAIN = "train"
    CALIBRATION = "calibration"
    TEST = "test"

    @property
    def plain(self) -> bool:
        """Whether images of this split are drawn in the plain style."""
        return self is Split.PRETRAINING


@dataclass(frozen=True)
class Labelled:
    """Images uint8 [N, 3, SIZE, SIZE] with labels int64 [N]; arrays are treated as immutable."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.shape[1:] != (3, SIZE, SIZE):
            raise ValueError(
                f"images must be uint8 [N, 3, {SIZE}, {SIZE}], not {self.images.dtype} {self.images.shape}"
            )
        if self.labels.dtype != np.int64 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"labels must be int64 [{len(self.images)}], not {self.labels.dtype} {self.labels.shape}")


Sampler = Callable[[Split, int, np.random.Generator], Labelled]
"""Draws that many labelled images of a split. What it draws depends on its arguments alone."""


@dataclass(frozen=True)
class Kind:
    """One kind of image and the question asked about it: what a task is fine-tuned for.

    `templates` are format strings with one `{}` for the class name.
    """

    name: str
    classnames: tuple[str, ...]
    templates: tuple[str, ...]
    sample: Sampler


def stream(seed: int, kind: str, split: Split) -> np.random.Generator:
    """The random stream for one split of one kind; streams of different splits or kinds are independent."""
    return np.random.default_rng([seed, zlib.crc32(kind.encode()), zlib.crc32(split.encode())])


def balanced_labels(count: int, classes: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """`count` labels in random order, each class as often as any other, give or take one. int64 [count]."""
    return rng.permutation(np.arange(count, dtype=np.int64) % classes)
