"""Drawn diagrams: clock faces, and charts of made-up data."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.zoo import paint
from benchmarks.zoo.images import SIZE, Floats, Labelled, Split, balanced_labels

HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

_ZOOM = 4
_CANVAS = _ZOOM * SIZE


def _shrunk(image: Image.Image) -> Floats:
    """A drawing at its final size: [SIZE, SIZE] in 0..1."""
    return np.asarray(image.reduce(_ZOOM), dtype=np.float32) / np.float32(255)


def _ray(centre: tuple[float, float], turn: float, length: float) -> list[tuple[float, float]]:
    """A line from the centre; `turn` in parts of a full turn, clockwise from the top."""
    angle = 2 * np.pi * turn
    return [centre, (centre[0] + length * float(np.sin(angle)), centre[1] - length * float(np.cos(angle)))]


def _clock(hour: int, split: Split, rng: np.random.Generator) -> Floats:
    """A dial whose hand points at the hour; beside the plain style it is tilted, and a minute hand is on the way."""
    image = Image.new("L", (_CANVAS, _CANVAS))
    draw = ImageDraw.Draw(image)
    shift, radius = (4.0, rng.uniform(50, 56)) if split.plain else (10.0, rng.uniform(40, 54))
    x, y = _CANVAS / 2 + rng.uniform(-shift, shift, 2)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=255, width=5)
    tilt = 0.0 if split.plain else float(rng.uniform(-0.012, 0.012))
    if not split.plain:
        draw.line(_ray((x, y), tilt + float(rng.uniform(-0.02, 0.02)), 0.8 * radius), fill=150, width=4)
        for mark in range(12):
            end = _ray((x, y), tilt + mark / 12, 0.95 * radius)[1]
            draw.ellipse((end[0] - 3, end[1] - 3, end[0] + 3, end[1] + 3), fill=190)
    draw.line(_ray((x, y), tilt + hour / 12, 0.68 * radius), fill=255, width=11 if split.plain else 9)
    return _shrunk(image)


def sample_clocks(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Clock faces at full hours; plain ones with one hand on an even ground, the others with two, on clutter."""
    labels = balanced_labels(count, len(HOURS), rng)
    masks = np.stack([_clock(int(label) + 1, split, rng) for label in labels])
    foreground, background = paint.contrasting_colours(count, rng)
    if not split.plain:
        background = background + 18 * paint.clutter(count, 6, rng)
    return Labelled(paint.develop(paint.compose(masks, foreground, background), 4 if split.plain else 14, rng), labels)


def _values(count: int, rng: np.random.Generator) -> list[float]:
    """Heights above the lower edge, in pixels of the canvas."""
    return [float(value) for value in rng.uniform(0.2, 0.95, count) * (_CANVAS - 24)]


def _bars(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    count = int(rng.integers(4, 7))
    wide = (_CANVAS - 16) / count
    for place, height in enumerate(_values(count, rng)):
        left = 8 + place * wide
        draw.rectangle((left + 3, _CANVAS - 12 - height, left + wide - 5, _CANVAS - 12), fill=255)


def _points(count: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    across = np.linspace(10, _CANVAS - 10, count)
    return [(float(x), _CANVAS - 12 - y) for x, y in zip(across, _values(count, rng), strict=True)]


def _line(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    draw.line(_points(int(rng.integers(5, 8)), rng), fill=255, width=8, joint="curve")


def _area(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    points = _points(int(rng.integers(5, 8)), rng)
    draw.polygon([(10.0, _CANVAS - 12.0), *points, (_CANVAS - 10.0, _CANVAS - 12.0)], fill=255)


def _scatter(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    for x, y in rng.uniform(14, _CANVAS - 14, (int(rng.integers(9, 16)), 2)):
        draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=255)


def _pie(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    cuts = np.sort(rng.uniform(0, 360, int(rng.integers(3, 6))))
    box = (12, 12, _CANVAS - 12, _CANVAS - 12)
    for place, (begin, end) in enumerate(zip(cuts, np.roll(cuts, -1) + 360 * (cuts >= cuts[-1]), strict=True)):
        draw.pieslice(box, float(begin), float(end), fill=(255, 120, 190)[place % 3])


def _heat(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    count = int(rng.integers(4, 7))
    wide = (_CANVAS - 16) / count
    for cell in range(count * count):
        left, top = 8 + cell % count * wide, 8 + cell // count * wide
        draw.rectangle((left, top, left + wide - 2, top + wide - 2), fill=int(rng.integers(40, 256)))


def _steps(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    points = _points(int(rng.integers(4, 7)), rng)
    corners = [corner for (x, y), (onward, _) in pairwise(points) for corner in ((x, y), (onward, y))]
    draw.line(corners, fill=255, width=8)


CHARTS: dict[str, Callable[[ImageDraw.ImageDraw, np.random.Generator], None]] = {
    "bar": _bars,
    "line": _line,
    "scatter": _scatter,
    "pie": _pie,
    "area": _area,
    "heat": _heat,
    "step": _steps,
}


def _chart(name: str, split: Split, rng: np.random.Generator) -> Floats:
    """A chart of random data; beside the plain style it has axes, is smaller and off the middle."""
    image = Image.new("L", (_CANVAS, _CANVAS))
    CHARTS[name](ImageDraw.Draw(image), rng)
    if not split.plain:
        ImageDraw.Draw(image).line([(4, 4), (4, _CANVAS - 5), (_CANVAS - 5, _CANVAS - 5)], fill=170, width=5)
        side = int(rng.integers(int(0.7 * _CANVAS), int(0.95 * _CANVAS)))
        left, top = (int(value) for value in rng.integers(0, _CANVAS - side + 1, 2))
        whole = Image.new("L", (_CANVAS, _CANVAS))
        whole.paste(image.resize((side, side), Image.Resampling.BILINEAR), (left, top))
        image = whole
    return _shrunk(image)


def sample_charts(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Charts; plain ones fill an even ground, the others lie on clutter, with axes."""
    labels = balanced_labels(count, len(CHARTS), rng)
    names = tuple(CHARTS)
    masks = np.stack([_chart(names[label], split, rng) for label in labels])
    foreground, background = paint.contrasting_colours(count, rng)
    if not split.plain:
        foreground = background + (foreground - background) * rng.uniform(0.5, 1, (count, 1, 1, 1)).astype(np.float32)
        background = background + 15 * paint.clutter(count, 6, rng)
    return Labelled(paint.develop(paint.compose(masks, foreground, background), 4 if split.plain else 16, rng), labels)
