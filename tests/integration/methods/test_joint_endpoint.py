"""ODE-M with the endpoint "joint": the path aims at the closed-form solution, and versions keep its sums."""

from pathlib import Path

import pytest
import torch

from tests.acceptance import networks
from tests.acceptance.api import ENDED, Api, Json
from tests.integration.methods.conftest import TASKS, Trained
from worker.ode_planning import JOINT

pytestmark = pytest.mark.slow
STRAIGHT = {"method": "ode", "endpoint": "joint", "rectifier": "none", "coefficients": False, "refine": False}
"""The whole straight way to the endpoint, and nothing after it."""


def _lineage(api: Api, trained: Trained, name: str) -> str:
    digest = api.post_blob(trained.base)
    api.create_lineage({"name": name, "architecture": networks.ARCHITECTURE, "base": digest})
    return name


def _merge(api: Api, trained: Trained, name: str, index: int, recipe: Json) -> Json:
    task = TASKS[index]
    document = {"lineage": name, "task": task.document, "recipe": recipe}
    merge = api.merge(document, trained.checkpoints[task.name], trained.calibration[task.name])
    return api.watch(merge, lambda view: view["state"] in ENDED, "has ended")


def test_the_straight_path_ends_at_the_joint_solution_and_leaves_its_sums(
    api: Api, trained: Trained, tmp_path: Path
) -> None:
    weights, states = [], []
    for label, recipe in (("path", STRAIGHT), ("closed-form", dict(JOINT))):
        name = _lineage(api, trained, f"joint-{label}")
        for index in range(2):
            ended = _merge(api, trained, name, index, recipe)
            assert ended["state"] == "succeeded", ended["problem"]
        weights.append(networks.read(api.download(f"{name}@2", tmp_path / f"{label}.safetensors")))
        states.append(api.version(f"{name}@2")["state"])
    for tensor, expected in zip(weights[0].values(), weights[1].values(), strict=True):
        torch.testing.assert_close(tensor, expected, rtol=0, atol=1e-6)
    assert states[0] == states[1], "the sums are the same bytes, and either method continues from them"


def test_the_bent_path_takes_gradients_and_reports_the_endpoints_losses(api: Api, trained: Trained) -> None:
    name = _lineage(api, trained, "joint-bent")
    _merge(api, trained, name, 0, {"method": "ode", "endpoint": "joint"})
    ended = _merge(api, trained, name, 1, {"method": "ode", "endpoint": "joint"})
    assert ended["state"] == "succeeded", ended
    report = ended["report"]
    assert report["time_reason"] == "given by the recipe"
    assert report["gradient_evaluations"] > 0
    assert set(report["losses_incoming"]) == {"alpha", "beta"}


def test_a_head_without_the_sums_is_refused(api: Api, trained: Trained) -> None:
    name = _lineage(api, trained, "joint-late")
    for index in range(2):
        assert _merge(api, trained, name, index, {"method": "average"})["state"] == "succeeded"
    before = api.version(f"{name}@latest")
    ended = _merge(api, trained, name, 0, {"method": "ode", "endpoint": "joint"})
    assert (ended["state"], ended["problem"]["type"].rsplit("/", 1)[-1]) == ("failed", "method-unavailable")
    assert api.version(f"{name}@latest") == before
