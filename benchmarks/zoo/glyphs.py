"""Letters, digits and mathematical signs in the fonts that matplotlib ships."""

from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.zoo import paint
from benchmarks.zoo.images import SIZE, Floats, Labelled, Split, balanced_labels

PLAIN_FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono")
FONTS = (
    *PLAIN_FONTS,
    "DejaVuSans-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "DejaVuSerif-BoldItalic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "STIXGeneralBolIta",
)
SIGN_FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSerif-Bold", "STIXGeneral", "STIXGeneralBol")

DIGITS = "0123456789"
LETTERS = "ABCEGHKMRSTX"
SIGNS = {
    "sum": "∑",
    "integral": "∫",
    "root": "√",
    "infinity": "∞",
    "plus": "+",
    "division": "÷",
    "approximately": "≈",
    "gradient": "∇",
    "element": "∈",
    "equivalence": "≡",
    "product": "∏",
    "union": "∪",
}

_CANVAS = 64


@cache
def _glyph(character: str, font: str) -> Image.Image:
    """The character in white on black, centred, its longer side filling most of a square canvas."""
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    face = ImageFont.truetype(str(path), _CANVAS)
    left, top, right, bottom = face.getbbox(character)
    scale = 0.8 * _CANVAS / max(right - left, bottom - top)
    face = ImageFont.truetype(str(path), max(8, round(_CANVAS * scale)))
    left, top, right, bottom = face.getbbox(character)
    image = Image.new("L", (_CANVAS, _CANVAS))
    at = ((_CANVAS - left - right) / 2, (_CANVAS - top - bottom) / 2)
    ImageDraw.Draw(image).text(at, character, fill=255, font=face)
    return image


def _pose(glyph: Image.Image, tilt: float, shift: float, zoom: tuple[float, float], rng: np.random.Generator) -> Floats:
    """The glyph turned by up to `tilt` radians, moved by up to `shift` pixels, zoomed within `zoom`: [SIZE, SIZE]."""
    angle = rng.uniform(-tilt, tilt)
    per_pixel = _CANVAS / SIZE / rng.uniform(*zoom)
    cos, sin = per_pixel * np.cos(angle), per_pixel * np.sin(angle)
    dx, dy = rng.uniform(-shift, shift, 2) + SIZE / 2
    middle = _CANVAS / 2
    matrix = (cos, sin, middle - cos * dx - sin * dy, -sin, cos, middle + sin * dx - cos * dy)
    posed = glyph.transform((SIZE, SIZE), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(posed, dtype=np.float32) / np.float32(255)


def _sample(characters: str, fonts: tuple[str, ...], split: Split, count: int, rng: np.random.Generator) -> Labelled:
    labels = balanced_labels(count, len(characters), rng)
    tilt, shift, zoom = (0.1, 1.5, (0.8, 1.0)) if split.plain else (0.2, 1.5, (0.75, 1.0))
    masks = np.stack(
        [_pose(_glyph(characters[y], fonts[rng.integers(len(fonts))]), tilt, shift, zoom, rng) for y in labels]
    )
    foreground, background = paint.contrasting_colours(count, rng)
    if not split.plain:
        background = background + 20 * paint.clutter(count, 8, rng)
    pictures = paint.compose(masks, foreground, background)
    return Labelled(paint.develop(pictures, 4 if split.plain else 12, rng), labels)


def sample_letters(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Capital letters; plain ones upright in three sans-serif fonts, the others tilted and cluttered in fifteen."""
    return _sample(LETTERS, PLAIN_FONTS if split.plain else FONTS, split, count, rng)


def sample_signs(split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """Mathematical signs, posed as the letters are."""
    return _sample("".join(SIGNS.values()), SIGN_FONTS, split, count, rng)


def sample_printed_digits(count: int, rng: np.random.Generator) -> Labelled:
    """Digits in plain print."""
    return _sample(DIGITS, PLAIN_FONTS, Split.PRETRAINING, count, rng)
