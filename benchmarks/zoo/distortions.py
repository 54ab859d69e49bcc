"""What was done to a photograph: crops of all that ship, each spoilt in one way."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.zoo import photographs
from benchmarks.zoo.images import SIZE, Floats, Labelled, Split, balanced_labels

Strength = float
"""From 0, hardly to be seen, to 1."""


def _untouched(picture: Floats, strength: Strength, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    return picture


def _noisy(picture: Floats, strength: Strength, rng: np.random.Generator) -> Floats:
    return picture + (10 + 25 * strength) * rng.standard_normal(picture.shape, dtype=np.float32)


def _blurred(picture: Floats, strength: Strength, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    image = Image.fromarray(np.clip(picture.transpose(1, 2, 0), 0, 255).astype(np.uint8))
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(1.2 + 1.5 * strength)), np.float32)
    return blurred.transpose(2, 0, 1)


def _pixelated(picture: Floats, strength: Strength, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    cell = 4 if strength < 0.5 else 8  # half of all
    blocks: Floats = picture.reshape(3, SIZE // cell, cell, SIZE // cell, cell).mean(axis=(2, 4))
    return blocks.repeat(cell, axis=1).repeat(cell, axis=2)


def _faded(picture: Floats, strength: Strength, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    return 128 + (picture - 128) * (0.5 - 0.35 * strength)


def _negative(picture: Floats, strength: Strength, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    return 255 - picture


def _posterised(picture: Floats, strength: Strength, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    levels = 4 if strength < 0.5 else 3  # half of all
    steps: Floats = np.floor(np.clip(picture, 0, 255) / 256 * levels).astype(np.float32)
    return steps * np.float32(255 / (levels - 1))


def _striped(picture: Floats, strength: Strength, rng: np.random.Generator) -> Floats:
    spoilt = picture.copy()
    spoilt[:, int(rng.integers(3)) :: 3] *= 0.7 - 0.4 * strength
    return spoilt


DISTORTIONS: dict[str, Callable[[Floats, Strength, np.random.Generator], Floats]] = {
    "untouched": _untouched,
    "noisy": _noisy,
    "blurred": _blurred,
    "pixelated": _pixelated,
    "faded": _faded,
    "negative": _negative,
    "posterised": _posterised,
    "striped": _striped,
}


def sample_distortions(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Crops of textures and scenes; plain ones are strongly spoilt, the others as little as not."""
    names = (*photographs.TEXTURES.values(), *photographs.SCENES.values())
    pictures, _ = photographs.crops(names, split, count, (48, 64), rng)
    labels = balanced_labels(count, len(DISTORTIONS), rng)
    ways = tuple(DISTORTIONS.values())
    low, high = (0.8, 1.0) if split.plain else (0.0, 0.9)
    spoilt = [ways[y](item, float(rng.uniform(low, high)), rng) for y, item in zip(labels, pictures, strict=True)]
    return Labelled(np.clip(np.rint(np.stack(spoilt)), 0, 255).astype(np.uint8), labels)
