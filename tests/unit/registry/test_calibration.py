"""Calibration files, checked from their header and labels."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save

from registry.calibration import CalibrationLimits, check_calibration, check_labels
from registry.errors import CalibrationInvalid
from registry.safetensors_header import HeaderReader
from registry.task import Task

_TASK = Task(name="t", classnames=("a", "b"))
_IMAGES = torch.zeros(3, 3, 8, 8, dtype=torch.uint8)
_LABELS = torch.zeros(3, dtype=torch.int64)


_LIMITS = CalibrationLimits(samples=10, classes=4, prompts=6)


def _check(tensors: dict[str, torch.Tensor], task: Task = _TASK, limits: CalibrationLimits = _LIMITS) -> int:
    header = HeaderReader(1 << 20, 100).feed(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
    assert header is not None
    return check_calibration(header, (8, 8), 5, task, limits)


def test_classes_come_from_the_names_or_from_the_head() -> None:
    assert _check({"images": _IMAGES, "labels": _LABELS}) == 2
    assert _check({"images": _IMAGES, "labels": _LABELS, "head": torch.ones(4, 5)}, Task(name="t")) == 4


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"images": _IMAGES}, r"missing: \['labels'\]"),
        ({"images": _IMAGES, "labels": _LABELS, "x": _LABELS.clone()}, r"unknown: \['x'\]"),
        ({"images": _IMAGES.float(), "labels": _LABELS}, "uint8"),
        ({"images": _IMAGES[:, :1], "labels": _LABELS}, "uint8"),
        ({"images": _IMAGES[..., :4], "labels": _LABELS}, "8 x 4 pixels, but the lineage's model takes 8 x 8"),
        ({"images": _IMAGES[:0], "labels": _LABELS[:0]}, "0 images"),
        ({"images": _IMAGES, "labels": _LABELS[:2]}, "one for each image"),
        ({"images": _IMAGES, "labels": _LABELS.int()}, "int64"),
        ({"images": _IMAGES, "labels": _LABELS, "head": torch.ones(2, 4)}, r"\[classes, 5\]"),
        ({"images": _IMAGES, "labels": _LABELS, "head": torch.ones(3, 5)}, "head has 3 classes, but the task names 2"),
    ],
)
def test_a_calibration_that_does_not_fit_is_refused_with_the_reason(
    tensors: dict[str, torch.Tensor], words: str
) -> None:
    with pytest.raises(CalibrationInvalid, match=words):
        _check(tensors)


def test_too_many_images_name_the_setting() -> None:
    with pytest.raises(CalibrationInvalid, match="ODEM_MAX_CALIBRATION_SAMPLES"):
        _check({"images": _IMAGES, "labels": _LABELS}, limits=replace(_LIMITS, samples=2))


def test_too_many_classes_or_prompts_name_the_setting() -> None:
    sample = {"images": _IMAGES, "labels": _LABELS}
    with pytest.raises(CalibrationInvalid, match="ODEM_MAX_CLASSES"):
        _check(sample | {"head": torch.ones(5, 5)}, Task(name="t"))
    names, templates = ("a", "b", "c"), ("{}", "a {}", "the {}")
    with pytest.raises(CalibrationInvalid, match=r"9 prompts.*ODEM_MAX_PROMPTS"):
        _check(sample, Task(name="t", classnames=names, templates=templates))
    # A head that is sent needs no prompts.
    assert _check(sample | {"head": torch.ones(3, 5)}, Task(name="t", classnames=names, templates=templates)) == 3


def test_a_task_needs_two_classes() -> None:
    with pytest.raises(CalibrationInvalid, match="at least two classnames"):
        _check({"images": _IMAGES, "labels": _LABELS}, Task(name="t", classnames=("a",)))


@pytest.mark.parametrize("label", [-1, 2])
def test_labels_out_of_range_are_reported_by_position(label: int) -> None:
    raw = torch.tensor([0, 1, label]).numpy().tobytes()
    with pytest.raises(CalibrationInvalid, match=rf"labels\[2\] is {label}; with 2 classes a label is 0 to 1"):
        check_labels(raw, 2)
