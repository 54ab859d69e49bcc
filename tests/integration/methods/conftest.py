"""One running service for the data-free methods, and two checkpoints of a tiny network to merge."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from benchmarks.harness.stack import Stack
from tests.acceptance import networks
from tests.acceptance.api import Api

TASKS = (networks.Task("alpha", 1), networks.Task("beta", 2))


@dataclass(frozen=True)
class Trained:
    """Files of a base, and by task's name of a fine-tuned visual tower and a calibration sample."""

    base: Path
    checkpoints: dict[str, Path]
    calibration: dict[str, Path]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    torch.manual_seed(0)
    base = {name: tensor.detach().clone() for name, tensor in networks.build().state_dict().items()}
    checkpoints, calibration = {}, {}
    for task in TASKS:
        tower = networks.visual_only(task.fine_tune(base))
        checkpoints[task.name] = networks.save(folder / f"{task.name}.safetensors", tower)
        calibration[task.name] = networks.save(folder / f"{task.name}-sample.safetensors", task.sample(30, seed=2))
    return Trained(networks.save(folder / "base.safetensors", base), checkpoints, calibration)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("methods")
    service = Stack(folder / "data")
    try:
        yield service.start()
    finally:
        service.discard()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[Api]:
    client = Api(stack.url)
    yield client
    client.close()
