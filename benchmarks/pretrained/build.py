"""A family of models as files: a base, and for each task a fine-tuned checkpoint and its samples.

The folder is named by a digest of the packages, the schedule and `_VERSION`:

    <cache_dir>/<family>-<digest>/
        base.safetensors               the tower's state dict
        <task>/
            checkpoint.safetensors     the fine-tuned tower's
            samples.safetensors        `head` float32 [classes, d], and `<split>.inputs`, `<split>.labels` of each split
            task.json                  class names, accuracies of base and checkpoint, relative distance

Every file is written whole or not at all; a build that was cut off goes on where it stood.
"""

import hashlib
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.pretrained import catalogue, packages
from benchmarks.pretrained.catalogue import SPLITS, Samples
from benchmarks.pretrained.networks import Family, Network, load
from benchmarks.pretrained.training import SCHEDULES, accuracy, fine_tune, head

_VERSION: Final = 1
"""To be raised when a change of this package changes what it writes."""


@dataclass(frozen=True)
class Plan:
    """What is built: all tasks of a family, or those named."""

    family: Family
    tasks: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """The tasks' names."""
        return self.tasks or catalogue.TASKS[self.family]


@dataclass(frozen=True)
class PretrainedTask:
    """One task's files. facts: accuracies on the test split and the relative distance, by name."""

    name: str
    folder: Path
    classnames: tuple[str, ...]
    facts: Mapping[str, float]

    @property
    def checkpoint(self) -> Path:
        """The fine-tuned weights."""
        return self.folder / "checkpoint.safetensors"

    def read(self) -> tuple[Tensor, dict[str, Samples]]:
        """The head and the samples by split."""
        tensors = load_file(self.folder / "samples.safetensors")
        splits = {name: Samples(tensors[f"{name}.inputs"], tensors[f"{name}.labels"]) for name in SPLITS}
        return tensors["head"], splits


def build(plan: Plan, cache_dir: Path) -> tuple[Path, tuple[PretrainedTask, ...]]:
    """Return the base's file and the tasks; what is missing is downloaded and trained, told on standard error."""
    folder = cache_dir / f"{plan.family}-{_digest(plan.family)}"
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "base.safetensors"
    if not base.is_file():
        _write(load(plan.family, cache_dir).tower.state_dict(), base)
    return base, tuple(_task(plan.family, folder / name, cache_dir) for name in plan.names())


def _digest(family: Family) -> str:
    """Of the packages, the schedule and the version of the data."""
    parts = [_VERSION, asdict(SCHEDULES[family]), *(asdict(package) for package in packages.PACKAGES[family])]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _task(family: Family, folder: Path, cache_dir: Path) -> PretrainedTask:
    description = folder / "task.json"
    if not description.is_file():
        folder.mkdir(exist_ok=True)
        _make(family, folder, cache_dir)
    facts: dict[str, Any] = json.loads(description.read_text())
    return PretrainedTask(folder.name, folder, tuple(facts.pop("classnames")), facts)


def _make(family: Family, folder: Path, cache_dir: Path) -> None:
    began = time.monotonic()
    network, data = load(family, cache_dir), catalogue.data(family, folder.name, cache_dir)
    rows, test = head(network, data, cache_dir), data.splits["test"]
    facts: dict[str, Any] = {"classnames": data.classnames, "base": accuracy(network, rows, test)}
    before = _flat(network)
    fine_tune(network, rows, data.splits["train"], SCHEDULES[family])
    facts["finetuned"] = accuracy(network, rows, test)
    facts["relative_distance"] = float((_flat(network) - before).norm() / before.norm())
    samples = {f"{name}.inputs": part.inputs for name, part in data.splits.items()}
    samples |= {f"{name}.labels": part.labels for name, part in data.splits.items()}
    _write({"head": rows, **samples}, folder / "samples.safetensors")
    _write(network.tower.state_dict(), folder / "checkpoint.safetensors")
    (folder / "task.json").write_text(json.dumps(facts))
    shown = {name: round(value, 4) for name, value in facts.items() if isinstance(value, float)}
    sizes = {name: len(part.labels) for name, part in data.splits.items()}
    print(f"{family} {folder.name}: {shown} {sizes} {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _flat(network: Network) -> Tensor:
    return torch.cat([item.detach().flatten() for item in network.tower.parameters()])


def _write(state: Mapping[str, Tensor], path: Path) -> None:
    partial = path.with_suffix(".partial")
    save_file({name: tensor.detach().contiguous() for name, tensor in state.items()}, partial, {"format": "pt"})
    partial.replace(path)
