"""One running service and one tiny network for all acceptance tests; crash tests start services of their own."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from benchmarks.harness.stack import Stack
from tests.acceptance import networks
from tests.acceptance.api import Api
from tests.acceptance.material import SAMPLES, TASKS, Material
from tests.acceptance.refusals import TASK, RunningService


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Train one checkpoint for each task, once."""
    folder = tmp_path_factory.mktemp("material")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for so small a network, waiting for each other is all that more threads would do
    torch.manual_seed(0)
    base = {name: tensor.detach().clone() for name, tensor in networks.build().state_dict().items()}
    full, visual, calibration = {}, {}, {}
    for task in TASKS:
        tuned = task.fine_tune(base)
        full[task.name] = networks.save(folder / f"{task.name}.safetensors", tuned)
        visual[task.name] = networks.save(folder / f"{task.name}-visual.safetensors", networks.visual_only(tuned))
        calibration[task.name] = networks.save(folder / f"{task.name}-sample.safetensors", task.sample(SAMPLES, seed=2))
    torch.set_num_threads(threads)
    return Material(folder, networks.save(folder / "base.safetensors", base), full, visual, calibration)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run one service for all tests that do not break it; at the end it must stop cleanly and leave no process."""
    folder = tmp_path_factory.mktemp("stack")
    service = Stack(folder / "data")
    try:
        yield service.start()
        assert service.stop() == 0, service.text[-3000:]
        assert service.processes() == []
    finally:
        service.discard()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[Api]:
    client = Api(stack.url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def lineage(api: Api, material: Material) -> Callable[..., str]:
    """Create a lineage of the tiny network; returns its name."""
    digest = api.post_blob(material.base)

    def create(name: str, **more: Any) -> str:
        api.create_lineage({"name": name, "architecture": networks.ARCHITECTURE, "base": digest} | more)
        return name

    return create


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Start services of the test's own, which it may kill; whatever is left of them afterwards is killed too."""
    started: list[Stack] = []

    def start(**settings: str) -> Stack:
        started.append(Stack(tmp_path / f"data{len(started)}", **settings))
        return started[-1].start()

    yield start
    for service in started:
        print(service.text)  # shown when the test has failed
        service.discard()
        psutil.wait_procs(service.processes(), timeout=10)
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def client() -> Iterator[Callable[[Stack], Api]]:
    """Make clients of the test's own services."""
    made: list[Api] = []

    def make(stack: Stack) -> Api:
        made.append(Api(stack.url))
        return made[-1]

    yield make
    for api in made:
        api.close()


@pytest.fixture(scope="session")
def running(
    api: Api, stack: Stack, material: Material, lineage: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> RunningService:
    name = lineage("strict")
    document = {"lineage": name, "task": TASK.document, "recipe": {"method": "average"}}
    api.wait_success(api.merge(document, material.visual[TASK.name]))
    folder = tmp_path_factory.mktemp("wrong")
    plain = api.post_blob(networks.save(folder / "plain.safetensors", {"w": torch.ones(3)}))
    api.create_lineage({"name": "plain-strict", "base": plain, "recipe": {"method": "average"}})
    return RunningService(api, stack, material, api.post_blob(material.base), plain)
