"""Crops of the photographs that scikit-image and scikit-learn ship inside their wheels.

A photograph is cut into square tiles and each tile belongs to one split, so that crops of different splits share no
pixel and yet every split sees all parts of a photograph.
"""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import skimage
import sklearn
from PIL import Image

from benchmarks.zoo import paint
from benchmarks.zoo.images import SIZE, Floats, Labelled, Split, balanced_labels

TEXTURES = {
    "brick wall": "brick.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "printed page": "page.png",
    "old coins": "coins.png",
    "surface of the moon": "moon.png",
    "living cells": "cell.png",
}
SCENES = {
    "cat": "chelsea.png",
    "cup of coffee": "coffee.png",
    "galaxies": "hubble_deep_field.jpg",
    "stained tissue": "ihc.png",
    "retina of an eye": "retina.jpg",
    "motorcycle": "motorcycle_left.png",
    "chinese temple": "china.jpg",
    "flower": "flower.jpg",
}

_FOLDERS = (
    Path(skimage.__file__).parent / "data",
    Path(sklearn.__file__).parent / "datasets" / "images",
)
_TILE = 64
_DETAIL = 5.0  # grey levels, the least standard deviation of a tile
_WHOSE = (Split.TRAIN, Split.CALIBRATION, Split.TRAIN, Split.TEST)


@cache
def _photograph(name: str) -> Image.Image:
    """The photograph in RGB, no side longer than 768 pixels."""
    path = next(folder / name for folder in _FOLDERS if (folder / name).is_file())
    with Image.open(path) as file:
        image = file.convert("RGB")
    image.thumbnail((768, 768))
    return image


@cache
def tiles(name: str, split: Split) -> tuple[tuple[int, int], ...]:
    """Top left corners (x, y) of the photograph's tiles that belong to the split; pretraining uses the training tiles.

    Tiles that show next to nothing (sky, the dark around an eye) belong to no split.
    """
    width, height = _photograph(name).size
    wanted = Split.TRAIN if split.plain else split
    columns, rows = width // _TILE, height // _TILE
    at = [(c, r) for r in range(rows) for c in range(columns) if _WHOSE[(c + 2 * (r % 2) + r // 2) % 4] is wanted]
    corners = ((c * _TILE, r * _TILE) for c, r in at)
    grey = np.asarray(_photograph(name).convert("L"), dtype=np.float32)
    return tuple((x, y) for x, y in corners if grey[y : y + _TILE, x : x + _TILE].std() >= _DETAIL)


def _crop(name: str, split: Split, sides: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A square of a random tile, its side drawn from `sides`, mirrored or not, resized: [3, SIZE, SIZE]."""
    corners = tiles(name, split)
    left, top = corners[rng.integers(len(corners))]
    side = int(rng.integers(sides[0], sides[1] + 1))
    dx, dy = rng.integers(0, _TILE - side + 1, 2)
    box = (left + int(dx), top + int(dy), left + int(dx) + side, top + int(dy) + side)
    crop = _photograph(name).resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box)
    pixels = np.asarray(crop).transpose(2, 0, 1)
    return pixels[:, :, ::-1] if rng.random() < 0.5 else pixels


def crops(
    names: tuple[str, ...], split: Split, count: int, sides: tuple[int, int], rng: np.random.Generator
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """`count` random crops of the named photographs, pictures [count, 3, SIZE, SIZE], and of which one each is."""
    labels = balanced_labels(count, len(names), rng)
    return np.stack([_crop(names[y], split, sides, rng) for y in labels]).astype(np.float32), labels


def sample_textures(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Grey crops of surfaces in changing light; plain ones as they are."""
    names = tuple(TEXTURES.values())
    pictures, labels = crops(names, split, count, (56, 64) if split.plain else (40, 60), rng)
    if not split.plain:
        contrast = rng.uniform(0.8, 1.2, (count, 1, 1, 1)).astype(np.float32)
        pictures = 128 + (pictures - 128) * contrast + rng.uniform(-15, 15, (count, 1, 1, 1)).astype(np.float32)
    return Labelled(paint.develop(pictures, 2 if split.plain else 8, rng), labels)


def sample_scenes(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Colour crops of scenes in changing light; plain ones as they are."""
    names = tuple(SCENES.values())
    pictures, labels = crops(names, split, count, (56, 64) if split.plain else (40, 64), rng)
    if not split.plain:
        light = rng.uniform(0.85, 1.15, (count, 3, 1, 1)).astype(np.float32)
        pictures = pictures * light + rng.uniform(-15, 15, (count, 1, 1, 1)).astype(np.float32)
    return Labelled(paint.develop(pictures, 2 if split.plain else 8, rng), labels)
