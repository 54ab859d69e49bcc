"""POST /lineages/{name}/tasks/{task}/removal: a version as if the task had never been merged."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from merging.actmat import actmat
from merging.aswudi import aswudi
from merging.breadcrumbs import Breadcrumbs
from merging.iso_c import IsoC
from merging.localize_and_stitch import LocalizeAndStitch
from merging.model_stock import ModelStock
from merging.streaming import AnyMethod
from tests.acceptance import networks
from tests.acceptance.api import Api, Json
from tests.unit.merging.streams import State, run
from tests.unit.merging.test_gram import network, tuned

pytestmark = pytest.mark.slow
BASE = network(0, torch.float32)
MODELS = [tuned(BASE, seed) for seed in range(3)]


def _lineage(api: Api, folder: Path, name: str, method: str) -> str:
    digest = api.post_blob(networks.save(folder / "base.safetensors", BASE))
    api.create_lineage({"name": name, "base": digest, "recipe": {"method": method}})
    return name


def _send(api: Api, folder: Path, name: str, number: int, task: str | None = None) -> Json:
    checkpoint = networks.save(folder / f"{number}.safetensors", MODELS[number])
    ended = api.wait(api.merge({"lineage": name, "task": {"name": task or f"task{number}"}}, checkpoint))
    assert ended["state"] == "succeeded", ended
    return ended


def _remove(api: Api, name: str, task: str, checkpoint: str | None = None) -> tuple[int, Json]:
    body = {"checkpoint": checkpoint} if checkpoint else None
    response = api.http.post(f"/lineages/{name}/tasks/{task}/removal", json=body)
    return response.status_code, response.json()


def _weights(api: Api, folder: Path, name: str, number: int) -> State:
    return networks.read(api.download(f"{name}@{number}", folder / f"v{number}.safetensors"))


def _close(weights: State, method: AnyMethod, *tasks: State) -> None:
    for name, tensor in run(method, BASE, BASE, tasks)[0].items():
        torch.testing.assert_close(weights[name], tensor, rtol=0, atol=1e-6)


MAKERS: dict[str, Callable[[int], AnyMethod]] = {
    "aswudi": lambda tasks: aswudi((1.0,) * tasks),
    "actmat": lambda tasks: actmat((1.0,) * tasks),
    "iso_c": lambda tasks: IsoC((1.0,) * tasks),
    "breadcrumbs": lambda _: Breadcrumbs(density=0.9, gamma=0.01, scaling=0.3),
    "model_stock": ModelStock,
    "localize_and_stitch": lambda _: LocalizeAndStitch(density=0.1),
}
"""Method -> from the number of tasks, all of them at once by its default recipe."""


@pytest.mark.parametrize("method", MAKERS)
def test_a_version_without_a_task_is_that_of_the_others(api: Api, tmp_path: Path, method: str) -> None:
    make = MAKERS[method]
    name = _lineage(api, tmp_path, f"removal-{method.replace('_', '-')}", method)
    for number in range(3):
        _send(api, tmp_path, name, number)
    status, queued = _remove(api, name, "task1")
    assert (status, queued["removal"]) == (202, True), queued
    ended = api.wait(queued["id"])
    assert (ended["state"], ended["version"]) == ("succeeded", f"{name}@4"), ended
    assert ended["report"]["removed"] == "task1"
    version = api.version(f"{name}@4")
    assert [task["name"] for task in version["tasks"]] == ["task0", "task2"]
    assert version["provenance"]["removed"] == "task1"
    _close(_weights(api, tmp_path, name, 4), make(2), MODELS[0], MODELS[2])
    _send(api, tmp_path, name, 1)
    _close(_weights(api, tmp_path, name, 5), make(3), *MODELS)


def test_a_task_merged_twice_is_removed_completely(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "removal-twice", "aswudi")
    for number, task in ((0, "kept"), (1, "again"), (2, "again")):
        _send(api, tmp_path, name, number, task)
    ended = api.wait(_remove(api, name, "again")[1]["id"])
    assert ended["state"] == "succeeded", ended
    weights = _weights(api, tmp_path, name, 4)
    assert all(torch.equal(weights[key], tensor) for key, tensor in MODELS[0].items())
    ended = api.wait(_remove(api, name, "kept")[1]["id"])
    assert ended["state"] == "succeeded", ended
    weights = _weights(api, tmp_path, name, 5)
    assert all(torch.equal(weights[key], tensor) for key, tensor in BASE.items())
    assert api.version(f"{name}@5")["tasks"] == []


def test_an_impossible_removal_is_refused_and_head_is_unchanged(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "removal-refused", "aswudi")
    other = api.post_blob(networks.save(tmp_path / "other.safetensors", MODELS[2]))
    for number in range(2):
        _send(api, tmp_path, name, number)
    status, problem = _remove(api, name, "nobody")
    assert (status, problem["type"]) == (404, "/problems/task-not-found")
    status, problem = _remove(api, name, "task1", other)
    assert (status, problem["type"]) == (422, "/problems/checkpoint-differs")
    first, second = _remove(api, name, "task1")[1], _remove(api, name, "task1")
    assert api.wait(first["id"])["state"] == "succeeded"
    if second[0] == 202:  # both were queued before the first had ended
        assert api.wait(second[1]["id"])["state"] == "failed"
    else:
        assert second[1]["type"] == "/problems/task-not-found"
    assert api.version(f"{name}@latest")["number"] == 3


def test_a_method_without_sums_refuses_removal(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "removal-average", "average")
    _send(api, tmp_path, name, 0)
    status, problem = _remove(api, name, "task0")
    assert (status, problem["type"]) == (422, "/problems/method-unavailable")
    assert "average" in problem["detail"]
    assert "aswudi" in problem["detail"]
