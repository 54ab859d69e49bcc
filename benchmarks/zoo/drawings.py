"""Drawn images: shapes, numbers of dots, colours, stripes."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from benchmarks.zoo import paint
from benchmarks.zoo.images import SIZE, Floats, Labelled, Split, balanced_labels

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring", "heart", "crescent")
COUNTS = ("one", "two", "three", "four", "five", "six")
COLOURS = {
    "red": (215, 40, 40),
    "orange": (240, 140, 30),
    "yellow": (235, 220, 50),
    "green": (50, 160, 60),
    "cyan": (60, 205, 210),
    "blue": (45, 75, 210),
    "purple": (130, 50, 170),
    "pink": (240, 140, 190),
    "brown": (120, 75, 40),
    "grey": (128, 128, 128),
}
SLANTS = (
    "horizontal",
    "slightly falling",
    "falling",
    "steeply falling",
    "vertical",
    "steeply rising",
    "rising",
    "slightly rising",
)

_DRAWN = 2 * SIZE
_ROWS, _COLUMNS = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)


def _regular(corners: int, inner: float = 1.0) -> npt.NDArray[np.float64]:
    """Corners of a regular polygon around the origin, every second one at radius `inner` when that is below 1."""
    count = corners if inner == 1.0 else 2 * corners
    angles = 2 * np.pi * np.arange(count) / count - np.pi / 2
    radii = np.where(np.arange(count) % 2 == 1, inner, 1.0)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _outline(shape: str) -> npt.NDArray[np.float64]:
    """The shape's outline as polygon corners [n, 2] within the unit circle."""
    if shape == "star":
        return _regular(5, inner=0.42)
    if shape == "cross":
        a, b = 0.3, 0.9
        return np.array([(a, b), (a, a), (b, a), (b, -a), (a, -a), (a, -b),
                         (-a, -b), (-a, -a), (-b, -a), (-b, a), (-a, a), (-a, b)])  # fmt: skip
    if shape == "ring":
        return np.concatenate([_regular(48), _regular(48)[:1], 0.55 * _regular(48)[:1], 0.55 * _regular(48)[::-1]])
    if shape == "heart":
        t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
        return np.stack([16 * np.sin(t) ** 3, -y - 2], axis=1) / 17
    if shape == "crescent":
        outer = np.linspace(0.25 * np.pi, 1.75 * np.pi, 40)
        inner = np.linspace(1.68 * np.pi, 0.32 * np.pi, 40)
        inside = np.stack([0.35 + 0.72 * np.cos(inner), 0.72 * np.sin(inner)], axis=1)
        return np.concatenate([np.stack([np.cos(outer), np.sin(outer)], axis=1), inside])
    return _regular({"circle": 48, "square": 4, "triangle": 3}[shape])


_OUTLINES = {shape: _outline(shape) for shape in SHAPES}


def _shape_mask(shape: str, turn: float, zoom: tuple[float, float], shift: float, rng: np.random.Generator) -> Floats:
    """The shape turned by up to `turn`, its radius drawn from `zoom` in pixels, off centre by up to `shift`."""
    angle = rng.uniform(-turn, turn)
    radius = rng.uniform(*zoom)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = SIZE / 2 + rng.uniform(-shift, shift, 2)
    corners = (centre + radius * _OUTLINES[shape] @ rotation.T) * (_DRAWN / SIZE)
    image = Image.new("L", (_DRAWN, _DRAWN))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in corners], fill=255)
    return np.asarray(image.reduce(_DRAWN // SIZE), dtype=np.float32) / np.float32(255)


def sample_shapes(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Filled shapes in any colour; plain ones upright and large on an even ground, the others turned, on clutter."""
    labels = balanced_labels(count, len(SHAPES), rng)
    turn, zoom, shift = (0.1, (10.0, 13.0), 2.0) if split.plain else (0.5, (9.5, 13.0), 1.5)
    masks = np.stack([_shape_mask(SHAPES[y], turn, zoom, shift, rng) for y in labels])
    foreground, background = paint.contrasting_colours(count, rng)
    if not split.plain:
        background = background + 25 * paint.clutter(count, 8, rng)
    return Labelled(paint.develop(paint.compose(masks, foreground, background), 4 if split.plain else 16, rng), labels)


def _dots(number: int, radii: tuple[float, float], rng: np.random.Generator) -> Floats:
    """That many round dots which do not touch: one in each of as many cells of a 3 by 3 grid, off the cell's middle."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    for cell in rng.permutation(9)[:number]:
        radius = rng.uniform(*radii)
        x, y = (np.array([cell % 3, cell // 3]) + 0.5) * SIZE / 3 + rng.uniform(-1, 1, 2) * max(0.0, 4.8 - radius)
        mask = np.maximum(mask, np.clip(radius + 0.5 - np.hypot(_COLUMNS - x, _ROWS - y), 0, 1))
    return mask


def sample_counts(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """One to six dots; plain ones of one size on an even ground, the others of many sizes on clutter."""
    labels = balanced_labels(count, len(COUNTS), rng)
    radii = (3.5, 4.0) if split.plain else (2.0, 4.3)
    masks = np.stack([_dots(int(y) + 1, radii, rng) for y in labels])
    foreground, background = paint.contrasting_colours(count, rng)
    if not split.plain:
        background = background + 15 * paint.clutter(count, 4, rng)
    return Labelled(paint.develop(paint.compose(masks, foreground, background), 4 if split.plain else 14, rng), labels)


def sample_colours(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """A shape whose colour is asked for; plain ones fill an even grey ground, the others lie on clutter."""
    labels = balanced_labels(count, len(COLOURS), rng)
    palette = np.array(list(COLOURS.values()), np.float32)
    zoom, shift = ((11.0, 14.0), 1.0) if split.plain else ((7.0, 11.0), 4.0)
    masks = np.stack([_shape_mask(SHAPES[i], np.pi, zoom, shift, rng) for i in rng.integers(len(SHAPES), size=count)])
    jitter = 5 if split.plain else 14
    foreground = palette[labels] + jitter * rng.standard_normal((count, 3), dtype=np.float32)
    ground = rng.uniform(90, 165, (count, 1, 1, 1)) if split.plain else rng.uniform(40, 215, (count, 3, 1, 1))
    background = ground.astype(np.float32) + np.zeros((1, 3, 1, 1), np.float32)
    if not split.plain:
        background = background + 30 * paint.clutter(count, 4, rng)
    pictures = paint.compose(masks, foreground[:, :, None, None], background)
    return Labelled(paint.develop(pictures, 4 if split.plain else 12, rng), labels)


def sample_stripes(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Sine gratings of eight orientations; plain ones wide and strong, the others of many widths, weak."""
    labels = balanced_labels(count, len(SLANTS), rng)
    wobble = 2 if split.plain else 6
    angles = np.deg2rad(labels * (180 / len(SLANTS)) + rng.uniform(-wobble, wobble, count))[:, None, None]
    waves = rng.uniform(*((0.08, 0.12) if split.plain else (0.08, 0.26)), (count, 1, 1))
    across = _ROWS * np.cos(angles) - _COLUMNS * np.sin(angles)
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * (waves * across + rng.random((count, 1, 1))))
    foreground, background = paint.contrasting_colours(count, rng)
    if not split.plain:
        foreground = background + (foreground - background) * rng.uniform(0.2, 0.6, (count, 1, 1, 1)).astype(np.float32)
        background = background + 20 * paint.clutter(count, 4, rng)
    pictures = paint.compose(wave.astype(np.float32), foreground, background)
    return Labelled(paint.develop(pictures, 4 if split.plain else 16, rng), labels)
