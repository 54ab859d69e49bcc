"""POST /lineages/{name}/recomputation: the head by another method, from its state alone."""

from pathlib import Path

import pytest
import torch

from tests.acceptance.api import Api, Json
from tests.integration.methods.test_task_removal import MAKERS, MODELS, _close, _lineage, _remove, _send, _weights

pytestmark = pytest.mark.slow


def _recompute(api: Api, name: str, recipe: Json) -> tuple[int, Json]:
    response = api.http.post(f"/lineages/{name}/recomputation", json={"recipe": recipe})
    return response.status_code, response.json()


@pytest.mark.parametrize(("before", "method"), [("wudi", "aswudi"), ("dop", "actmat"), ("aswudi", "iso_c")])
def test_the_weights_are_those_of_the_other_method(api: Api, tmp_path: Path, before: str, method: str) -> None:
    name = _lineage(api, tmp_path, f"recompute-{before}", before)
    for number in range(3):
        _send(api, tmp_path, name, number)
    status, queued = _recompute(api, name, {"method": method})
    assert (status, queued["recompute"]) == (202, True), queued
    assert api.wait(queued["id"])["version"] == f"{name}@4"
    version = api.version(f"{name}@4")
    assert [task["name"] for task in version["tasks"]] == ["task0", "task1", "task2"]
    assert version["provenance"]["recomputed"]
    _close(_weights(api, tmp_path, name, 4), MAKERS[method](3), *MODELS)
    assert api.wait(_remove(api, name, "task2")[1]["id"])["state"] == "succeeded"
    _close(_weights(api, tmp_path, name, 5), MAKERS[method](2), *MODELS[:2])


def test_the_same_recipe_gives_the_same_weights(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "recompute-same", "aswudi")
    for number in range(2):
        _send(api, tmp_path, name, number)
    assert api.wait(_recompute(api, name, {})[1]["id"])["state"] == "succeeded"
    before, after = _weights(api, tmp_path, name, 2), _weights(api, tmp_path, name, 3)
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())


def test_what_cannot_be_computed_is_refused_and_head_stays(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "recompute-refused", "aswudi")
    status, problem = _recompute(api, name, {"method": "aswudi"})
    assert (status, problem["type"]) == (422, "/problems/method-unavailable")
    for number in range(2):
        _send(api, tmp_path, name, number)
    status, problem = _recompute(api, name, {"method": "average"})
    assert (status, problem["type"]) == (422, "/problems/method-unavailable")
    ended = api.wait(_recompute(api, name, {"method": "tact"})[1]["id"])
    assert (ended["state"], ended["problem"]["type"]) == ("failed", "/problems/method-unavailable"), ended
    assert api.version(f"{name}@latest")["number"] == 2
