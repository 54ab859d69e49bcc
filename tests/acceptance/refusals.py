"""What cases of wrong input find, and how a refusal is recognised."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.harness.stack import Stack
from tests.acceptance import networks
from tests.acceptance.api import Api, Json
from tests.acceptance.material import TASKS, Material
from tests.acceptance.networks import State

TASK = TASKS[0]


@dataclass(frozen=True)
class RunningService:
    """What each case finds: a lineage that can run ODE-M with one version made, and one that cannot."""

    api: Api
    stack: Stack
    material: Material
    base: str
    plain_base: str

    def document(self, **more: Any) -> Json:
        return {"lineage": "strict", "task": TASK.document} | more

    @property
    def checkpoint(self) -> State:
        return networks.read(self.material.visual[TASK.name])

    @property
    def sample(self) -> State:
        return networks.read(self.material.calibration[TASK.name])

    def stored(self) -> tuple[object, ...]:
        """All that a refused request must leave as it was."""
        lineages = self.api.get("/lineages")
        names = [lineage["name"] for lineage in lineages["lineages"]]
        listed = [(self.api.get("/merges", lineage=name), self.api.get("/models", lineage=name)) for name in names]
        return lineages, listed, self.stack.blobs


def assert_refused(
    running: RunningService, send: Callable[[], httpx.Response], status: int, kind: str, words: tuple[str, ...]
) -> Json:
    """The answer is a problem that says what is wrong, and the service holds what it held before."""
    before = running.stored()
    response = send()
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: Json = response.json()
    assert problem["status"] == status
    assert problem["type"] == f"/problems/{kind}"
    assert problem["title"]
    assert [word for word in words if word not in problem["detail"]] == [], problem["detail"]
    assert running.stack.uploads == []
    assert running.stored() == before
    return problem
