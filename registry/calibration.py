"""Validation of calibration files, by their header, before anything is stored."""

from dataclasses import dataclass

from registry.errors import CalibrationInvalid
from registry.safetensors_header import Header
from registry.task import Task

IMAGES, LABELS, HEAD = "images", "labels", "head"


@dataclass(frozen=True)
class CalibrationLimits:
    """Limits per task. samples: images of a file. classes: rows of a head. prompts: class names × templates."""

    samples: int
    classes: int
    prompts: int


def check_calibration(
    header: Header, image_size: tuple[int, int], embed_dim: int, task: Task, limits: CalibrationLimits
) -> int:
    """Check a calibration file by its header; the labels' values come after it. Returns the number of classes.

    `images` uint8 [N, 3, H, W] of the model's input size, `labels` int64 [N]; optional `head` float
    [classes, embed_dim].
    Raises CalibrationInvalid.
    """
    missing = [name for name in (IMAGES, LABELS) if name not in header.tensors]
    unknown = sorted(set(header.tensors) - {IMAGES, LABELS, HEAD})
    if missing or unknown:
        raise CalibrationInvalid(
            f"A calibration file has the tensors images, labels and, optionally, head; "
            f"missing: {missing}, unknown: {unknown[:5]}."
        )
    samples = _check_images(header, image_size, limits.samples)
    labels = header.tensors[LABELS]
    if labels.dtype != "I64" or labels.shape != (samples,):
        raise CalibrationInvalid(
            f"labels must be int64 [{samples}], one for each image; they are {labels.dtype} {list(labels.shape)}."
        )
    classes = _check_head(header, embed_dim, task)
    if classes > limits.classes:
        raise CalibrationInvalid(
            f"The task has {classes} classes; at most {limits.classes} are allowed (ODEM_MAX_CLASSES). Split it into "
            "several tasks."
        )
    if HEAD not in header.tensors and classes * len(task.templates) > limits.prompts:
        raise CalibrationInvalid(
            f"{classes} class names with {len(task.templates)} templates make {classes * len(task.templates)} prompts; "
            f"at most {limits.prompts} are allowed (ODEM_MAX_PROMPTS). Use fewer templates, or send a head."
        )
    return classes


def _check_images(header: Header, image_size: tuple[int, int], max_samples: int) -> int:
    images = header.tensors[IMAGES]
    height, width = image_size
    if images.dtype != "U8" or len(images.shape) != 4 or images.shape[1] != 3:
        raise CalibrationInvalid(
            f"images must be uint8 [N, 3, {height}, {width}]; they are {images.dtype} {list(images.shape)}."
        )
    if images.shape[2:] != image_size:
        raise CalibrationInvalid(
            f"The images are {images.shape[2]} x {images.shape[3]} pixels, but the lineage's model "
            f"takes {height} x {width}. "
            "Resize them as the model's preprocessing does."
        )
    if not 1 <= images.shape[0] <= max_samples:
        raise CalibrationInvalid(
            f"There are {images.shape[0]} images; 1 to {max_samples} are allowed "
            "(ODEM_MAX_CALIBRATION_SAMPLES). A few hundred suffice."
        )
    return images.shape[0]


def _check_head(header: Header, embed_dim: int, task: Task) -> int:
    head = header.tensors.get(HEAD)
    if head is None:
        if len(task.classnames) < 2:
            raise CalibrationInvalid(
                f"The task {task.name!r} needs at least two classnames, or a head "
                f"[classes, {embed_dim}] in the calibration file."
            )
        return len(task.classnames)
    if (
        head.dtype not in {"F16", "BF16", "F32"}
        or len(head.shape) != 2
        or head.shape[1] != embed_dim
        or head.shape[0] < 2
    ):
        raise CalibrationInvalid(f"head must be float [classes, {embed_dim}]; it is {head.dtype} {list(head.shape)}.")
    if task.classnames and len(task.classnames) != head.shape[0]:
        raise CalibrationInvalid(f"head has {head.shape[0]} classes, but the task names {len(task.classnames)}.")
    return head.shape[0]


def check_labels(raw: bytes, classes: int) -> None:
    """Check that every label, int64 little endian, is in 0 .. classes − 1. Raises CalibrationInvalid."""
    labels = memoryview(raw).cast("q")
    for index, label in enumerate(labels):
        if not 0 <= label < classes:
            raise CalibrationInvalid(
                f"labels[{index}] is {label}; with {classes} classes a label is 0 to {classes - 1}."
            )
