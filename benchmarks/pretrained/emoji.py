"""Image classification tasks from a package of emoji: small pictures with groups, skin tones and flags."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.pretrained import packages
from benchmarks.zoo import paint
from benchmarks.zoo.images import SIZE, Labelled, Split, balanced_labels

_TONES: Final = {"1F3FB": "light", "1F3FC": "medium-light", "1F3FD": "medium", "1F3FE": "medium-dark", "1F3FF": "dark"}
_FLAGS: Final = [
    "us",
    "gb",
    "fr",
    "de",
    "it",
    "es",
    "jp",
    "cn",
    "in",
    "br",
    "ca",
    "au",
    "za",
    "mx",
    "ar",
    "eg",
    "gr",
    "tr",
    "se",
    "no",
    "fi",
    "ch",
    "nl",
    "be",
    "ie",
    "pt",
    "pl",
    "ua",
    "kr",
    "vn",
    "th",
    "ke",
]
_NONE: Final = "Component"


@dataclass(frozen=True)
class Picture:
    """One emoji: its file, and the class that it has in a task."""

    file: Path
    label: str


def groups(cache_dir: Path) -> list[Picture]:
    """All emoji but flags, by the group that Unicode puts them in."""
    return [
        Picture(_file(cache_dir, item["image"]), item["category"])
        for item in _emoji(cache_dir)
        if item["category"] not in {_NONE, "Flags"}
    ]


def people(cache_dir: Path) -> list[Picture]:
    """Emoji of people in all skin tones, by Unicode's subgroup: roles, sports, gestures, hands, ..."""
    result = []
    for item in _emoji(cache_dir):
        if item["category"] == "People & Body":
            images = [item["image"], *(variant["image"] for variant in item.get("skin_variations", {}).values())]
            result += [Picture(_file(cache_dir, image), item["subcategory"]) for image in images]
    return result


def tones(cache_dir: Path) -> list[Picture]:
    """Emoji of people by the colour of their skin."""
    return [
        Picture(_file(cache_dir, item["skin_variations"][code]["image"]), tone)
        for item in _emoji(cache_dir)
        for code, tone in _TONES.items()
        if code in item.get("skin_variations", {})
    ]


def flags(cache_dir: Path) -> list[Picture]:
    """Flags of some countries; the same flag is in every split, but never the same way."""
    every = [item for item in _emoji(cache_dir) if item["category"] == "Flags"]
    by_name = {name.removeprefix("flag-"): item["image"] for item in every for name in item["short_names"]}
    return [Picture(_file(cache_dir, by_name[name]), name) for name in _FLAGS]


PICTURES: Final[dict[str, Callable[[Path], list[Picture]]]] = {
    "emoji": groups,
    "people": people,
    "skin": tones,
    "flags": flags,
}
"""Task -> its pictures."""

_FEWEST: Final = 24
"""A class with fewer pictures, except a flag, is left out."""


def classes(name: str, cache_dir: Path) -> tuple[str, ...]:
    """The task's classes, in alphabetical order."""
    counts: dict[str, int] = {}
    for picture in PICTURES[name](cache_dir):
        counts[picture.label] = counts.get(picture.label, 0) + 1
    return tuple(sorted(label for label, count in counts.items() if count >= _FEWEST or name == "flags"))


def sample(name: str, cache_dir: Path, split: Split, count: int, rng: np.random.Generator) -> Labelled:
    """`count` pictures of a split, moved, scaled and lit at random; all classes as often.

    Half of a class's pictures are for training, a quarter for calibration and a quarter for tests. A flag's one
    picture is in all of them.
    """
    labels = balanced_labels(count, len(classes(name, cache_dir)), rng)
    by_class = _split(name, cache_dir, split)
    pictures = []
    for label in labels:
        mine = by_class[label]
        pictures.append(_posed(mine[rng.integers(len(mine))], rng))
    return Labelled(paint.develop(np.stack(pictures), 6, rng), labels)


def _split(name: str, cache_dir: Path, split: Split) -> list[list[Path]]:
    result = []
    for label in classes(name, cache_dir):
        files = [picture.file for picture in PICTURES[name](cache_dir) if picture.label == label]
        order = np.random.default_rng(len(files)).permutation(len(files))
        parts = np.split(order, [len(files) // 2, len(files) * 3 // 4]) if len(files) > 1 else [order] * 3
        mine = parts[(Split.TRAIN, Split.CALIBRATION, Split.TEST).index(split)]
        result.append([files[number] for number in mine])
    return result


def _posed(file: Path, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """One picture on a light ground of random colour, its side 24 to 32 of SIZE pixels: [3, SIZE, SIZE]."""
    side = int(rng.integers(24, SIZE + 1))
    ground = Image.new("RGB", (SIZE, SIZE), tuple(int(x) for x in rng.integers(200, 256, 3)))
    small = _read(file).rotate(float(rng.uniform(-12, 12)), Image.Resampling.BILINEAR).resize((side, side))
    left, top = rng.integers(0, SIZE - side + 1, 2)
    ground.paste(small, (int(left), int(top)), small)
    pixels = np.asarray(ground, dtype=np.float32).transpose(2, 0, 1)
    return pixels * np.float32(rng.uniform(0.75, 1.1))


@cache
def _read(file: Path) -> Image.Image:
    with Image.open(file) as image:
        return image.convert("RGBA")


@cache
def _emoji(cache_dir: Path) -> list[dict[str, Any]]:
    folder = packages.fetch(packages.EMOJI, cache_dir) / "package"
    result: list[dict[str, Any]] = json.loads((folder / "emoji.json").read_text(encoding="utf-8"))
    return sorted((item for item in result if item["has_img_twitter"]), key=lambda item: str(item["image"]))


def _file(cache_dir: Path, image: str) -> Path:
    return packages.fetch(packages.EMOJI, cache_dir) / "package" / "img" / "twitter" / "64" / image
