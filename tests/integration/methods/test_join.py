"""POST /lineages/{name}/join: the sum of two lineages' states is the state of all their tasks."""

from pathlib import Path

import pytest
import torch

from tests.acceptance import networks
from tests.acceptance.api import Api, Json
from tests.integration.methods.test_task_removal import BASE, MAKERS, MODELS, _close, _remove, _send, _weights

pytestmark = pytest.mark.slow


def _lineages(api: Api, folder: Path, word: str, recipe: Json, other: Json | None = None) -> tuple[str, str]:
    """Two lineages of one base."""
    digest = api.post_blob(networks.save(folder / "base.safetensors", BASE))
    names = f"{word}-one", f"{word}-other"
    for name, wanted in zip(names, (recipe, other or recipe), strict=True):
        api.create_lineage({"name": name, "base": digest, "recipe": wanted})
    return names


def _join(api: Api, name: str, other: str, version: str = "latest") -> tuple[int, Json]:
    response = api.http.post(f"/lineages/{name}/join", json={"lineage": other, "version": version})
    return response.status_code, response.json()


@pytest.mark.parametrize("method", MAKERS)
def test_a_joined_version_is_that_of_all_tasks(api: Api, tmp_path: Path, method: str) -> None:
    one, other = _lineages(api, tmp_path, f"join-{method.replace('_', '-')}", {"method": method})
    _send(api, tmp_path, one, 0)
    for number in (1, 2):
        _send(api, tmp_path, other, number)
    status, queued = _join(api, one, other)
    assert (status, queued["join"], queued["removal"]) == (202, True, False), queued
    ended = api.wait(queued["id"])
    assert (ended["state"], ended["version"]) == ("succeeded", f"{one}@2"), ended
    assert ended["report"]["joined"] == ["task1", "task2"]
    version = api.version(f"{one}@2")
    assert [task["name"] for task in version["tasks"]] == ["task0", "task1", "task2"]
    assert version["provenance"]["joined"] == f"{other}@2"
    _close(_weights(api, tmp_path, one, 2), MAKERS[method](3), *MODELS)
    assert api.wait(_remove(api, one, "task1")[1]["id"])["state"] == "succeeded"
    _close(_weights(api, tmp_path, one, 3), MAKERS[method](2), MODELS[0], MODELS[2])


def test_a_join_equals_merging_one_by_one_bit_for_bit_where_sums_are_exact(api: Api, tmp_path: Path) -> None:
    one, other = _lineages(api, tmp_path, "join-exact", {"method": "aswudi"})
    _send(api, tmp_path, one, 0)
    _send(api, tmp_path, other, 1)
    assert api.wait(_join(api, one, other, "1")[1]["id"])["state"] == "succeeded"
    _send(api, tmp_path, other, 0)
    joined, in_turn = _weights(api, tmp_path, one, 2), _weights(api, tmp_path, other, 2)
    assert all(torch.equal(joined[name], tensor) for name, tensor in in_turn.items())


def test_a_lineage_without_tasks_takes_over_the_state(api: Api, tmp_path: Path) -> None:
    one, other = _lineages(api, tmp_path, "join-empty", {"method": "aswudi"})
    for number in (0, 1):
        _send(api, tmp_path, other, number)
    assert api.wait(_join(api, one, other)[1]["id"])["state"] == "succeeded"
    merged, expected = _weights(api, tmp_path, one, 1), _weights(api, tmp_path, other, 2)
    assert all(torch.equal(merged[name], tensor) for name, tensor in expected.items())
    _send(api, tmp_path, one, 2)
    _close(_weights(api, tmp_path, one, 2), MAKERS["aswudi"](3), *MODELS)


def test_lineages_that_cannot_be_joined_are_refused_and_head_stays(api: Api, tmp_path: Path) -> None:
    one, other = _lineages(api, tmp_path, "join-refused", {"method": "aswudi"}, {"method": "average"})
    for name in (one, other):
        _send(api, tmp_path, name, 0)
    status, problem = _join(api, one, other)
    assert (status, problem["type"]) == (422, "/problems/lineages-incompatible")
    assert "both have task0" in problem["detail"]
    status, problem = _join(api, one, other, "0")
    assert (status, problem["type"]) == (422, "/problems/lineages-incompatible")
    assert "has no tasks" in problem["detail"]
    assert _join(api, one, "nobody")[0] == _join(api, one, other, "7")[0] == 404
    elsewhere = api.post_blob(networks.save(tmp_path / "elsewhere.safetensors", MODELS[2]))
    api.create_lineage({"name": "join-elsewhere", "base": elsewhere})
    status, problem = _join(api, "join-elsewhere", one)
    assert (status, problem["type"]) == (422, "/problems/lineages-incompatible")
    assert "different bases" in problem["detail"]
    assert api.version(f"{one}@latest")["number"] == 1


def test_states_of_other_families_are_not_added(api: Api, tmp_path: Path) -> None:
    one, other = _lineages(api, tmp_path, "join-family", {"method": "aswudi"}, {"method": "tact"})
    _send(api, tmp_path, one, 0)
    for number in (1, 2):
        _send(api, tmp_path, other, number)
    ended = api.wait(_join(api, one, other)[1]["id"])
    assert (ended["state"], ended["problem"]["type"]) == ("failed", "/problems/method-unavailable"), ended
    plain = _lineages(api, tmp_path, "join-plain", {"method": "aswudi"}, {"method": "average"})
    _send(api, tmp_path, plain[1], 0)
    status, problem = _join(api, *plain)
    assert (status, problem["type"]) == (422, "/problems/method-unavailable")
    assert "aswudi" in problem["detail"]
