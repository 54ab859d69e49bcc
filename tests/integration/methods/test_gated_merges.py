"""Quality gates: a merge that costs earlier tasks too much is rejected, and nothing changes but its record."""

from typing import Any

import pytest

from benchmarks.harness.stack import Stack
from tests.acceptance import networks
from tests.acceptance.api import ENDED, Api, Json
from tests.integration.methods.conftest import TASKS, Trained

pytestmark = pytest.mark.slow
REPLACE = {"method": "linear", "alpha": 1.0}
"""Takes the checkpoint in place of head: whatever head could do is gone."""


def _lineage(api: Api, trained: Trained, name: str, **more: Any) -> str:
    digest = api.post_blob(trained.base)
    api.create_lineage({"name": name, "architecture": networks.ARCHITECTURE, "base": digest} | more)
    return name


def _merge(api: Api, trained: Trained, name: str, index: int, recipe: dict[str, Any], **more: Any) -> Json:
    task = TASKS[index]
    document = {"lineage": name, "task": task.document, "recipe": recipe} | more
    merge = api.merge(document, trained.checkpoints[task.name], trained.calibration[task.name])
    return api.watch(merge, lambda view: view["state"] in ENDED | {"rejected"}, "has ended")


@pytest.mark.parametrize("method", [REPLACE, {"method": "ode", "rectifier": "none", "operating_time": 1.0}])
def test_a_merge_that_misses_its_gate_is_rejected(api: Api, trained: Trained, stack: Stack, method: Json) -> None:
    name = _lineage(api, trained, f"gated-{method['method']}")
    first = _merge(api, trained, name, 0, {"method": "average"}, gate={"max_drop": 0.0})
    assert first["state"] == "succeeded", "there is no earlier task to lose"
    before = api.version(f"{name}@latest")
    blobs = stack.blobs

    ended = _merge(api, trained, name, 1, method, gate={"max_drop": 0.1})
    assert (ended["state"], ended["version"], ended["problem"]) == ("rejected", None, None)
    alpha = ended["report"]["tasks"]["alpha"]
    drop = alpha["before"]["accuracy"] - alpha["after"]["accuracy"]
    assert drop > 0.1
    (violation,) = ended["report"]["gate"]["violations"]
    assert (violation["task"], violation["measure"], violation["limit"]) == ("alpha", "accuracy", 0.1)
    assert violation["before"] - violation["after"] == drop
    assert api.version(f"{name}@latest") == before
    sent = {ended["checkpoint"], ended["calibration"]}
    assert stack.blobs - blobs <= sent, "no weights, state or memory of it are kept"
    assert stack.uploads == []

    allowed = _merge(api, trained, name, 1, method, gate={"max_drop": 1.0})
    assert (allowed["state"], allowed["version"]) == ("succeeded", f"{name}@2")
    assert allowed["report"]["gate"] == {"passed": True, "violations": [], "unjudged": []}


def test_a_lineages_gate_holds_for_every_merge_until_one_brings_its_own(api: Api, trained: Trained) -> None:
    name = _lineage(api, trained, "strict", gate={"max_loss_rise": 0.0}, recipe=REPLACE)
    assert api.get(f"/lineages/{name}")["gate"]["max_loss_rise"] == 0.0
    assert _merge(api, trained, name, 0, {})["state"] == "succeeded"
    rejected = _merge(api, trained, name, 1, {})
    assert rejected["state"] == "rejected"
    assert rejected["report"]["gate"]["violations"][0]["measure"] == "loss"
    assert _merge(api, trained, name, 1, {}, gate={"max_loss_rise": 1000.0})["state"] == "succeeded"


def test_tasks_without_samples_are_reported_as_unjudged(api: Api, trained: Trained) -> None:
    name = _lineage(api, trained, "unjudged", recipe=REPLACE)
    checkpoint = trained.checkpoints["alpha"]
    api.wait_success(api.merge({"lineage": name, "task": TASKS[0].document}, checkpoint))
    ended = _merge(api, trained, name, 1, {}, gate={"max_drop": 0.0})
    assert ended["state"] == "succeeded"
    assert ended["report"]["gate"]["unjudged"] == ["alpha"]


def test_data_free_merges_are_scored_and_remembered_like_others(api: Api, trained: Trained) -> None:
    name = _lineage(api, trained, "scored", recipe={"method": "average"})
    for index in (0, 1):
        assert _merge(api, trained, name, index, {})["state"] == "succeeded"
    version = api.version(f"{name}@2")
    assert version["memory"] is not None
    for scores in version["report"]["tasks"].values():
        for moment in ("before", "checkpoint", "after"):
            assert set(scores[moment]) == {"loss", "accuracy"}
    assert version["report"]["tasks"]["beta"]["checkpoint"]["accuracy"] > 0.8
