"""The quick start's two tasks: drawn digits and gratings, generated from a seed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

SIZE = 32
"""Height and width of every picture, in pixels."""

Mask = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pictures:
    """Images uint8 [n, 3, SIZE, SIZE] with labels int64 [n]."""

    images: Tensor
    labels: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """The content of a calibration file."""
        return {"images": self.images, "labels": self.labels}


@dataclass(frozen=True)
class Task:
    """A task: class names, prompt templates with `{}` for the class name, and how a mask of one class is drawn.

    mask: returns [SIZE, SIZE] in 0..1 for a label; plain masks are upright and easy to tell apart.
    """

    name: str
    classnames: tuple[str, ...]
    templates: tuple[str, ...]
    mask: Callable[[int, np.random.Generator, bool], Mask]

    def draw(self, count: int, *, seed: int, plain: bool = False) -> Pictures:
        """`count` pictures with balanced labels; plain ones have even backgrounds and little noise."""
        rng = np.random.default_rng([seed, len(self.classnames), int(plain)])
        labels = rng.permutation(np.arange(count) % len(self.classnames))
        masks = np.stack([self.mask(int(label), rng, plain) for label in labels])[:, None]
        ink, paper = rng.uniform(0, 110, (count, 3, 1, 1)), rng.uniform(145, 255, (count, 3, 1, 1))
        noise = rng.normal(scale=4 if plain else 14, size=(count, 3, SIZE, SIZE))
        images = np.clip(paper + masks * (ink - paper) + noise, 0, 255).astype(np.uint8)
        return Pictures(torch.from_numpy(images), torch.from_numpy(labels))


def _digit(label: int, rng: np.random.Generator, plain: bool) -> Mask:
    picture = Image.new("L", (SIZE, SIZE))
    font = ImageFont.load_default(size=26 if plain else float(rng.uniform(21, 27)))
    middle = tuple(SIZE / 2 + rng.uniform(-1, 1, 2) * (1 if plain else 2))
    ImageDraw.Draw(picture).text(middle, str(label), fill=255, font=font, anchor="mm")
    turn = 0.0 if plain else float(rng.uniform(-20, 20))
    mask: Mask = np.asarray(picture.rotate(turn, Image.Resampling.BILINEAR), dtype=np.float32) / np.float32(255)
    return mask


def _grating(label: int, rng: np.random.Generator, plain: bool) -> Mask:
    wobble, weakest = (2, 1.0) if plain else (9, 0.2)
    angle = np.deg2rad(label * 180 / len(_SLANTS) + rng.uniform(-wobble, wobble))
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    across = rows * np.cos(angle) - columns * np.sin(angle)
    wave = np.sin(2 * np.pi * (rng.uniform(0.08, 0.2) * across + rng.random()))
    mask: Mask = ((0.5 + 0.5 * wave) * rng.uniform(weakest, 1)).astype(np.float32)
    return mask


_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SLANTS = ("horizontal", "falling", "steeply falling", "vertical", "steeply rising", "rising")

TASKS = (
    Task("digits", _WORDS, ("the digit {}.", "a tilted {}."), _digit),
    Task("stripes", _SLANTS, ("{} stripes.", "a grating with {} lines."), _grating),
)
