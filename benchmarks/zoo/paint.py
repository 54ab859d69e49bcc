"""From masks to pictures: colours, clutter, noise and light, for many images at once."""

from functools import cache

import numpy as np
import numpy.typing as npt

from benchmarks.zoo.images import SIZE, Floats


@cache
def _widening(cells: int) -> Floats:
    """The matrix [SIZE, cells] that interpolates `cells` evenly spaced values linearly to SIZE pixels."""
    at = np.clip((np.arange(SIZE) + 0.5) * cells / SIZE - 0.5, 0, cells - 1)
    hats: Floats = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(cells))).astype(np.float32)
    return hats


def clutter(count: int, cells: int, rng: np.random.Generator) -> Floats:
    """Smooth random fields [count, 3, SIZE, SIZE], unit variance at the middles of `cells` by `cells` cells."""
    coarse = rng.standard_normal((count, 3, cells, cells), dtype=np.float32)
    widening = _widening(cells)
    field: Floats = (widening @ coarse @ widening.T).astype(np.float32, copy=False)
    return field


def contrasting_colours(count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Foreground and background colours [count, 3, 1, 1] in 0..255, one light and one dark, in either order."""
    dark = rng.uniform(0, 110, (count, 3, 1, 1)).astype(np.float32)
    light = rng.uniform(145, 255, (count, 3, 1, 1)).astype(np.float32)
    swapped = rng.random((count, 1, 1, 1)) < 0.5
    return np.where(swapped, light, dark), np.where(swapped, dark, light)


def compose(masks: Floats, foreground: Floats, background: Floats) -> Floats:
    """Lay the foreground over the background where masks [N, SIZE, SIZE] in 0..1 say so: [N, 3, SIZE, SIZE]."""
    mask = masks[:, None]
    laid: Floats = background + mask * (foreground - background)
    return laid


def develop(pictures: Floats, noise: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Add noise of that standard deviation to pictures in 0..255, clip and round to uint8."""
    if noise > 0:
        pictures = pictures + noise * rng.standard_normal(pictures.shape, dtype=np.float32)
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)
