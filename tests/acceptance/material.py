"""The files that are sent: a base, checkpoints fine-tuned from it, calibration samples."""

from dataclasses import dataclass
from pathlib import Path

from tests.acceptance import networks

TASKS = (networks.Task("alpha", 1), networks.Task("beta", 2), networks.Task("gamma", 3))
SAMPLES = 16


@dataclass(frozen=True)
class Material:
    """Files of a base, and by task's name of a fine-tuned checkpoint (whole, visual part) and a calibration sample."""

    folder: Path
    base: Path
    full: dict[str, Path]
    visual: dict[str, Path]
    calibration: dict[str, Path]
