"""The standalone command with the real worker and the real gateway: merges survive whatever is killed."""

import os
import signal
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import load, save

from benchmarks.harness.processes import ROOT, eventually
from tests.integration.standalone.stack import Stack

pytestmark = pytest.mark.slow
Start = Callable[..., Stack]
BASE = {"layer.weight": np.zeros((4, 3), np.float32), "layer.bias": np.zeros(4, np.float32)}


class Client:
    """Talks to a stack's gateway, whatever proxy the environment names."""

    def __init__(self, stack: Stack) -> None:
        self._http = httpx.Client(base_url=stack.url, trust_env=False, timeout=90)

    def send(self, tensors: dict[str, np.ndarray[Any, Any]]) -> str:
        response = self._http.post("/blobs", content=save(tensors)).raise_for_status()
        return str(response.json()["digest"])

    def create_lineage(self) -> None:
        body = {"base": self.send(BASE), "recipe": {"method": "average"}}
        self._http.post("/lineages", json=body).raise_for_status()

    def merge(self, value: float) -> str:
        """Ask for a merge of a checkpoint full of `value`; return the merge's URL once it is acknowledged."""
        checkpoint = self.send({name: np.full_like(tensor, value) for name, tensor in BASE.items()})
        body = {"task": {"name": f"task-{value:g}"}, "checkpoint": checkpoint}
        response = self._http.post("/merge", json=body)
        assert response.status_code == 202, response.text
        return response.headers["location"]

    def get(self, url: str) -> dict[str, Any]:
        result: dict[str, Any] = self._http.get(url).raise_for_status().json()
        return result

    def wait_for(self, merge: str) -> dict[str, Any]:
        eventually(lambda: self.get(merge)["state"] not in {"queued", "running"}, "the end of the merge", 120)
        return self.get(merge)

    def weights(self, version: str) -> bytes:
        return self._http.get(f"/models/{version}/weights").raise_for_status().content

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def client() -> Any:
    """Open clients that are closed after the test."""
    opened: list[Client] = []

    def open_client(stack: Stack) -> Client:
        opened.append(Client(stack))
        return opened[-1]

    yield open_client
    for each in opened:
        each.close()


def test_a_merge_succeeds_and_survives_a_clean_stop(start: Start, client: Callable[[Stack], Client]) -> None:
    first = start(packages=ROOT).wait_ready()
    user = client(first)
    user.create_lineage()
    user.wait_for(user.merge(1.0))
    ended = user.wait_for(user.merge(3.0))
    assert ended["state"] == "succeeded", ended["problem"]
    weights = user.weights(ended["version"])
    assert np.allclose(load(weights)["layer.bias"], 2.0)
    first.processes()
    assert first.end(signal.SIGINT) == 0
    assert "killed" not in first.text
    first.assert_none_left()

    second = client(start(packages=ROOT).wait_ready())
    assert second.weights("latest") == weights


@pytest.mark.parametrize("name", ["valkey", "worker", "gateway"])
def test_a_merge_survives_sigkill_right_after_it_was_acknowledged(
    start: Start, client: Callable[[Stack], Client], name: str
) -> None:
    first = start(packages=ROOT, ODEM_LEASE_SECONDS="2").wait_ready()
    user = client(first)
    user.create_lineage()
    merge = user.merge(1.0)
    os.kill(first.pid(name), signal.SIGKILL)
    first.wait_for_log(f"started {name} ", times=2)
    eventually(lambda: _responds(user), "the gateway and its store")
    assert user.wait_for(merge)["state"] == "succeeded"
    assert [version["number"] for version in user.get("/models")["versions"]] == [1, 0]


def test_a_merge_survives_sigkill_of_the_supervisor(start: Start, client: Callable[[Stack], Client]) -> None:
    first = start(packages=ROOT).wait_ready()
    user = client(first)
    user.create_lineage()
    merge = user.merge(1.0)
    first.processes()
    first.end(signal.SIGKILL)
    second = client(start(packages=ROOT, ODEM_LEASE_SECONDS="2").wait_ready())
    first.assert_none_left()
    assert second.wait_for(merge)["state"] == "succeeded"
    assert [version["number"] for version in second.get("/models")["versions"]] == [1, 0]


def _responds(client: Client) -> bool:
    try:
        return client.get("/readyz") == {"status": "ok"}
    except httpx.HTTPError:
        return False
