"""The zoo as files: a base, and for each task a fine-tuned checkpoint, calibration samples and test images.

The folder, named by a digest of the plan and of the zoo's own source, so that a change of either makes a new one:

    <cache_dir>/<digest>/
        base.safetensors               the base's full open_clip state dict
        <task>/
            calibration.safetensors    images uint8 [N, 3, 32, 32], labels int64 [N]
            test.safetensors           the same
            checkpoint.safetensors     the fine-tuned visual tower, names beginning with `visual.`

Every file is written whole or not at all; a build that was cut off goes on where it stood.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from tqdm import tqdm

from benchmarks.zoo import network
from benchmarks.zoo.catalogue import kind
from benchmarks.zoo.images import Kind, Labelled, Split, stream
from benchmarks.zoo.training import Schedule, fine_tune, pretrain

_PRETRAINING = Schedule(steps=500, batch=96, rate=2e-3)
_FINE_TUNING = Schedule(steps=260, batch=64, rate=1.5e-3)


@dataclass(frozen=True)
class Plan:
    """What is built; the sizes count images, of each kind.

    tasks: kinds of the catalogue to fine-tune for, in the order of their arrival.
    mixture: kinds that the base is pretrained on: `pretraining_size` plain images of each and `styled_size` in the
        style of the tasks.
    """

    tasks: tuple[str, ...] = ("digits", "textures", "letters", "stripes", "scenes", "shapes")
    mixture: tuple[str, ...] = ("digits", "textures", "letters", "stripes", "scenes", "shapes")
    seed: int = 0
    pretraining: Schedule = _PRETRAINING
    fine_tuning: Schedule = _FINE_TUNING
    pretraining_size: int = 1500
    styled_size: int = 500
    train_size: int = 3000
    calibration_size: int = 256
    test_size: int = 500


@dataclass(frozen=True)
class ZooTask:
    """One task of a zoo; the files are described above."""

    kind: Kind
    checkpoint: Path
    calibration: Path
    test: Path

    @property
    def name(self) -> str:
        """The task's name."""
        return self.kind.name

    @property
    def classnames(self) -> tuple[str, ...]:
        """One name for each label, label 0 first."""
        return self.kind.classnames

    @property
    def templates(self) -> tuple[str, ...]:
        """Prompts with `{}` where the class name goes."""
        return self.kind.templates


@dataclass(frozen=True)
class Zoo:
    """A base, the tasks that it was fine-tuned for, and how open_clip is told about its network."""

    base: Path
    tasks: tuple[ZooTask, ...]
    model_config: dict[str, Any]
    preprocess: dict[str, Any]


def build(cache_dir: Path, plan: Plan | None = None, *, progress: bool = True) -> Zoo:
    """The zoo of a plan (the default one without), trained where its files are missing; progress goes to stderr.

    Raises KeyError when a task is not in the catalogue.
    """
    plan = plan or Plan()
    folder = cache_dir / digest(plan)
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "base.safetensors"
    if not base.is_file():
        _pretrain(base, plan, progress=progress)
    tasks = tuple(_task(folder, base, kind(name), plan, progress=progress) for name in plan.tasks)
    return Zoo(base, tasks, network.CONFIG, network.PREPROCESS)


def read(path: Path) -> Labelled:
    """The images and labels of a calibration or test file."""
    tensors = load_file(path)
    return Labelled(tensors["images"].numpy(), tensors["labels"].numpy())


def digest(plan: Plan) -> str:
    """Of all that decides what is in the files, but not which tasks are asked for: two plans share what they can."""
    decides = asdict(plan) | {"tasks": None, "network": network.CONFIG, "preprocess": network.PREPROCESS}
    summed = hashlib.sha256(json.dumps(decides, sort_keys=True).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        summed.update(source.read_bytes())
    return summed.hexdigest()[:16]


def _bar(what: str, steps: int, *, progress: bool) -> "tqdm[Any]":
    return tqdm(total=steps, desc=f"{what:<22}", unit="step", disable=not progress, dynamic_ncols=True)


def _pretrain(base: Path, plan: Plan, *, progress: bool) -> None:
    with _bar("pretraining", plan.pretraining.steps, progress=progress) as bar:
        kinds = [kind(name) for name in plan.mixture]
        data = [_pretraining_images(each, plan) for each in kinds]
        trained = pretrain(kinds, data, plan.pretraining, plan.seed, bar.update)
    network.save(trained.state_dict(), base)


def _task(folder: Path, base: Path, kind: Kind, plan: Plan, *, progress: bool) -> ZooTask:
    (folder / kind.name).mkdir(exist_ok=True)
    files = {name: folder / kind.name / f"{name}.safetensors" for name in ("checkpoint", "calibration", "test")}
    for split, size in ((Split.CALIBRATION, plan.calibration_size), (Split.TEST, plan.test_size)):
        if not files[split].is_file():
            _write(_draw(kind, split, size, plan.seed), files[split])
    if not files["checkpoint"].is_file():
        trained = network.load(base)
        with _bar(f"fine-tuning {kind.name}", plan.fine_tuning.steps, progress=progress) as bar:
            data = _draw(kind, Split.TRAIN, plan.train_size, plan.seed)
            fine_tune(trained, kind, data, plan.fine_tuning, plan.seed, bar.update)
        visual = {name: value for name, value in trained.state_dict().items() if name.startswith(network.VISUAL)}
        network.save(visual, files["checkpoint"])
    return ZooTask(kind=kind, **files)


def _draw(kind: Kind, split: Split, size: int, seed: int) -> Labelled:
    return kind.sample(split, size, stream(seed, kind.name, split))


def _pretraining_images(kind: Kind, plan: Plan) -> Labelled:
    """Plain images, and some of the training split in the tasks' style, drawn by another seed than fine-tuning's."""
    plain = _draw(kind, Split.PRETRAINING, plan.pretraining_size, plan.seed)
    styled = _draw(kind, Split.TRAIN, plan.styled_size, plan.seed + 1)
    images, labels = np.concatenate([plain.images, styled.images]), np.concatenate([plain.labels, styled.labels])
    return Labelled(images, labels)


def _write(data: Labelled, path: Path) -> None:
    network.save({"images": torch.from_numpy(data.images), "labels": torch.from_numpy(data.labels)}, path)
