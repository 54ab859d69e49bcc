"""Calibration files: a bounded, stratified sample of labelled images, resized as open_clip does for evaluation.

Needs Pillow, and pyarrow for parquet files. Source of the resizing: open_clip's `image_transform(is_train=False)`,
resize mode `shortest`: the shorter side to the model's size, then a centre crop, then RGB.
"""

import io
import json
import random
import struct
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from odem_client.digests import Progress, nothing
from odem_client.errors import OdemError

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".tif", ".tiff", ".gif"})
_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


class Unusable(OdemError):
    """The images cannot be read or resized."""


@dataclass(frozen=True)
class Sizing:
    """Image size of a model: side of the square in pixels, and the resampling filter's name."""

    side: int
    interpolation: str = "bicubic"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Sizing":
        """The sizing of an open_clip_config.json. Raises Unusable if it is not supported."""
        wanted = config.get("preprocess_cfg") or {}
        side = wanted.get("size") or config["model_cfg"]["vision_cfg"].get("image_size", 224)
        sides = set(side) if isinstance(side, list | tuple) else {side}
        interpolation = wanted.get("interpolation") or "bicubic"
        mode = wanted.get("resize_mode") or "shortest"
        if len(sides) > 1 or mode != "shortest" or interpolation not in _FILTERS:
            raise Unusable(f"Only square images, resized by their shortest side, are supported, not {wanted or side}.")
        return cls(int(sides.pop()), interpolation)

    def apply(self, image: Image.Image) -> Image.Image:
        """Resize and crop an image to RGB, side x side."""
        width, height = image.size
        short, long = min(width, height), int(self.side * max(width, height) / min(width, height))
        if short != self.side:
            size = (self.side, long) if width <= height else (long, self.side)
            image = image.resize(size, _FILTERS[self.interpolation])
        left = round((image.width - self.side) / 2.0)
        top = round((image.height - self.side) / 2.0)
        return image.crop((left, top, left + self.side, top + self.side)).convert("RGB")


class Images(Protocol):
    """A source of labelled images."""

    classnames: list[str]
    """Names of the labels, label 0 first; a label without a name has its number."""
    labels: list[int]
    """The label of each image, in order."""

    def read(self, chosen: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        """Location and encoded bytes of the chosen images, which are in ascending order."""
        ...


class Folder:
    """A folder with one subfolder of images per class."""

    def __init__(self, path: Path) -> None:
        folders = sorted(item for item in path.iterdir() if item.is_dir() and not item.name.startswith("."))
        if not folders:
            raise Unusable(f"{path} has no subfolders. Put the images of each class into a subfolder with its name.")
        self.classnames = [item.name for item in folders]
        result = [(file, label) for label, folder in enumerate(folders) for file in sorted(folder.rglob("*"))]
        images = [(file, label) for file, label in result if file.suffix.lower() in _SUFFIXES]
        self._files = [file for file, _ in images]
        self.labels = [label for _, label in images]

    def read(self, chosen: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        """The files' bytes."""
        for index in chosen:
            yield str(self._files[index]), self._files[index].read_bytes()


class Tar:
    """A WebDataset: `key.jpg` beside `key.cls`, which has the label's number or name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        values: dict[str, str] = {}
        images: dict[str, str] = {}
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, suffix = member.name.rpartition("/")[2].partition(".")
                key = member.name[: len(member.name) - len(suffix)]
                if suffix == "cls" and (file := tar.extractfile(member)):
                    values[key] = file.read().decode().strip()
                elif f".{suffix.rpartition('.')[2].lower()}" in _SUFFIXES and member.isfile():
                    images[key] = member.name
        pairs = [(name, values[key]) for key, name in images.items() if key in values]
        if not pairs:
            raise Unusable(f"{path} has no image with a .cls file of the same name.")
        self._names = [name for name, _ in pairs]
        self.labels, self.classnames = _numbered([label for _, label in pairs])

    def read(self, chosen: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        """The members' bytes, in one pass."""
        wanted = {self._names[index] for index in chosen}
        with tarfile.open(self._path) as tar:
            for member in tar:
                if member.name in wanted and (file := tar.extractfile(member)):
                    yield f"{self._path}:{member.name}", file.read()


class Parquet:
    """A parquet file in Hugging Face's layout: encoded images, and labels as numbers or names."""

    def __init__(self, path: Path, image: str = "image", label: str = "label") -> None:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise Unusable("Parquet files need pyarrow: pip install 'odem-client[parquet]'.") from error
        self._path, self._column = path, image
        self._file = parquet.ParquetFile(path)
        columns = self._file.schema_arrow.names
        for name in (image, label):
            if name not in columns:
                raise Unusable(f"{path} has no column {name}; it has {', '.join(columns)}.")
        labels = self._file.read(columns=[label]).column(label).to_pylist()
        self.labels, self.classnames = _numbered([str(item) for item in labels])
        self.classnames = self._names(label) or self.classnames

    def _names(self, label: str) -> list[str]:
        metadata = (self._file.schema_arrow.metadata or {}).get(b"huggingface")
        features = json.loads(metadata).get("info", {}).get("features", {}) if metadata else {}
        return list(features.get(label, {}).get("names") or [])

    def read(self, chosen: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        """The cells' bytes, a batch of rows in memory at a time."""
        wanted, row = set(chosen), 0
        for batch in self._file.iter_batches(batch_size=64, columns=[self._column]):
            for cell in batch.column(0):
                if row in wanted:
                    value = cell.as_py()
                    yield f"{self._path}, row {row}", value["bytes"] if isinstance(value, dict) else value
                row += 1


def _numbered(labels: Sequence[str]) -> tuple[list[int], list[str]]:
    """Labels as numbers, and their names. Numeric labels are kept."""
    if all(item.isdecimal() for item in labels):
        numbers = [int(item) for item in labels]
        return numbers, [str(number) for number in range(max(numbers) + 1)]
    names = sorted(set(labels))
    numbers_by_name = {name: number for number, name in enumerate(names)}
    return [numbers_by_name[item] for item in labels], names


def find(path: Path, image: str = "image", label: str = "label") -> Images:
    """The labelled images of a folder, a tar or a parquet file. Raises Unusable."""
    if path.is_dir():
        return Folder(path)
    if path.suffix == ".parquet":
        return Parquet(path, image, label)
    if tarfile.is_tarfile(path):
        return Tar(path)
    raise Unusable(f"{path} is not a folder, a tar or a .parquet file.")


def choose(labels: Sequence[int], limit: int, seed: int) -> list[int]:
    """At limit `limit` images, as evenly over the classes as possible, in ascending order; deterministic by seed."""
    order = random.Random(seed)  # noqa: S311
    waiting: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        waiting.setdefault(label, []).append(index)
    for indices in waiting.values():
        order.shuffle(indices)
    chosen: list[int] = []
    while len(chosen) < limit and any(waiting.values()):
        turn = [label for label in sorted(waiting) if waiting[label]]
        if len(turn) > limit - len(chosen):
            turn = order.sample(turn, limit - len(chosen))
        chosen.extend(waiting[label].pop() for label in turn)
    return sorted(chosen)


def write(
    images: Images,
    output: Path,
    sizing: Sizing,
    *,
    limit: int = 256,
    seed: int = 0,
    progress: Progress = nothing,
    opened: Callable[[bytes], Image.Image] = lambda data: Image.open(io.BytesIO(data)),
) -> list[int]:
    """Write a calibration file: `images` uint8 [N, 3, side, side] and `labels` int64 [N]; returns the labels.

    One image is in memory at a time. The file appears completely or not at all. Raises Unusable.
    """
    chosen = choose(images.labels, limit, seed)
    if not chosen:
        raise Unusable("There are no images.")
    labels = [images.labels[index] for index in chosen]
    count, side = len(chosen), sizing.side
    middle = count * 8
    tensors = {
        "labels": {"dtype": "I64", "shape": [count], "data_offsets": [0, middle]},
        "images": {
            "dtype": "U8",
            "shape": [count, 3, side, side],
            "data_offsets": [middle, middle + count * 3 * side * side],
        },
    }
    header = json.dumps(tensors).encode()
    header += b" " * (-len(header) % 8)
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("wb") as file:
            file.write(struct.pack("<Q", len(header)) + header)
            file.write(struct.pack(f"<{count}q", *labels))
            for done, (source, data) in enumerate(images.read(chosen), 1):
                for band in _sized(source, data, sizing, opened).split():
                    file.write(band.tobytes())
                progress("reading", done, count)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return labels


def _sized(source: str, data: bytes, sizing: Sizing, opened: Callable[[bytes], Image.Image]) -> Image.Image:
    try:
        with opened(data) as image:
            return sizing.apply(image)
    except (OSError, ValueError) as error:
        raise Unusable(f"{source} is not a readable image: {error}") from error
