"""scikit-learn's handwritten digits (UCI optical recognition, 1797 scans of 8 by 8 pixels)."""

from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.datasets import load_digits

from benchmarks.zoo import glyphs
from benchmarks.zoo.images import SIZE, Labelled, Split

_PARTS = {Split.TRAIN: (0, 1000), Split.CALIBRATION: (1000, 1260), Split.TEST: (1260, 1797)}


@cache
def _scans() -> Labelled:
    """All scans in one fixed random order, enlarged to SIZE, dark ink on light paper."""
    scans, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    ink = (255 - scans.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    large = [np.asarray(Image.fromarray(scan).resize((SIZE, SIZE), Image.Resampling.BICUBIC)) for scan in ink[order]]
    images = np.repeat(np.stack(large)[:, None], 3, axis=1)
    return Labelled(images, labels[order].astype(np.int64))


def sample_digits(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Handwritten digits, at most as many as the split has; printed ones for pretraining."""
    if split.plain:
        return glyphs.sample_printed_digits(count, rng)
    first, last = _PARTS[split]
    chosen: npt.NDArray[np.int64] = rng.permutation(np.arange(first, last))[:count]
    return Labelled(_scans().images[chosen], _scans().labels[chosen])
