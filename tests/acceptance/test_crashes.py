"""What is acknowledged survives SIGKILL of any process; a merge whose worker died is made once, later."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import torch

from benchmarks.harness.processes import eventually
from benchmarks.harness.stack import Stack
from tests.acceptance import networks
from tests.acceptance.api import Api, Json, parts
from tests.acceptance.material import TASKS, Material

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TASK = TASKS[0]
Start = Callable[..., Stack]
Client = Callable[[Stack], Api]
LONG = {"integrator": "euler", "step_size": 0.002}
"""Seconds of steps: the merge is surely under way when its worker is killed."""


@pytest.fixture
def prepared(client: Client, material: Material) -> Callable[[Stack], Api]:
    """Make one lineage in a fresh service, whose first merge has a path of 250 steps."""

    def prepare(stack: Stack) -> Api:
        api = client(stack)
        with_lineage(api, material)
        return api

    return prepare


def with_lineage(api: Api, material: Material) -> None:
    base = api.post_blob(material.base)
    api.create_lineage({"name": "line", "architecture": networks.ARCHITECTURE, "base": base, "base_utility": 1.0})


def send_long(api: Api, material: Material) -> str:
    document: Json = {"lineage": "line", "task": TASK.document, "recipe": LONG}
    return api.merge(document, material.visual[TASK.name], material.calibration[TASK.name])


def assert_made_once(api: Api, merge_id: str, attempt: int) -> None:
    """The merge has ended well at this attempt, and the lineage has exactly one version more than its base."""
    ended = api.wait_success(merge_id)
    assert ended["attempt"] == attempt
    assert ended["version"] == "line@1"
    assert [version["number"] for version in api.versions("line")] == [0, 1]
    assert api.version("line@1")["provenance"]["merge"] == merge_id


def test_a_merge_is_made_once_when_its_whole_worker_is_killed(
    own_stack: Start, prepared: Client, material: Material
) -> None:
    stack = own_stack()
    api = prepared(stack)
    merge_id = send_long(api, material)
    api.wait_running(merge_id, step=3)
    worker = stack.pid("worker")
    os.killpg(worker, signal.SIGKILL)
    stack.restarted("worker", worker)
    assert_made_once(api, merge_id, attempt=2)
    assert stack.stop() == 0
    assert stack.processes() == []


def test_a_merge_is_made_once_when_the_process_that_runs_it_is_killed(
    own_stack: Start, prepared: Client, material: Material
) -> None:
    stack = own_stack()
    api = prepared(stack)
    merge_id = send_long(api, material)
    api.wait_running(merge_id, step=3)
    worker = psutil.Process(stack.pid("worker"))
    children = worker.children()
    assert len(children) == 1
    children[0].kill()
    assert_made_once(api, merge_id, attempt=2)
    assert stack.pid("worker") == worker.pid, "the worker itself has lived on"


def test_a_merge_that_kills_every_worker_fails_and_the_next_one_runs(
    own_stack: Start, prepared: Client, material: Material
) -> None:
    stack = own_stack(ODEM_MAX_ATTEMPTS="1")
    api = prepared(stack)
    deadly = send_long(api, material)
    following = api.merge(
        {"lineage": "line", "task": TASK.document, "recipe": {"method": "average"}}, material.visual[TASK.name]
    )
    api.wait_running(deadly)
    psutil.Process(stack.pid("worker")).children()[0].kill()
    failed = api.wait(deadly)
    assert (failed["state"], failed["version"]) == ("failed", None)
    assert failed["problem"]["type"] == "/problems/worker-lost"
    assert "1 time" in failed["problem"]["detail"]
    assert_made_once(api, following, attempt=1)


def test_an_acknowledged_merge_survives_the_death_of_the_state_store(
    own_stack: Start, client: Client, tmp_path: Path
) -> None:
    stack = own_stack(ODEM_RESTART_LIMIT="20")
    api = client(stack)
    base = api.post_blob(networks.save(tmp_path / "base.safetensors", {"w": torch.zeros(5)}))
    api.create_lineage({"name": "line", "base": base, "recipe": {"method": "average"}})
    sent = []
    for number in range(4):
        checkpoint = networks.save(tmp_path / f"{number}.safetensors", {"w": torch.full((5,), float(number))})
        digest = api.post_blob(checkpoint)
        sent.append(api.merge_of_blobs({"lineage": "line", "task": {"name": f"task{number}"}, "checkpoint": digest}))
        stack.kill("valkey")
        stack.wait_ready()
        assert api.merge_view(sent[-1])["checkpoint"] == digest
    for merge_id in sent:
        api.wait_success(merge_id)
    assert [version["number"] for version in api.versions("line")] == [0, 1, 2, 3, 4]
    assert [api.version(f"line@{n}")["provenance"]["merge"] for n in (1, 2, 3, 4)] == sent
    weights = networks.read(api.download("line@4", tmp_path / "last.safetensors"))
    torch.testing.assert_close(weights["w"], torch.full((5,), 1.5))


def test_a_running_merge_outlives_the_state_store(own_stack: Start, prepared: Client, material: Material) -> None:
    stack = own_stack()
    api = prepared(stack)
    merge_id = send_long(api, material)
    api.wait_running(merge_id)
    stack.kill("valkey")
    stack.wait_ready()
    ended = api.wait_success(merge_id)
    assert ended["version"] == "line@1"
    assert [version["number"] for version in api.versions("line")] == [0, 1]


@pytest.mark.parametrize("path", ["/blobs", "/merge"])
def test_an_upload_that_the_gateways_death_cut_off_is_nowhere_to_be_seen(
    stack: Stack, api: Api, material: Material, lineage: Callable[..., str], path: str
) -> None:
    """On the shared service, which must carry on: the gateway is started again while everything else runs."""
    name = lineage(f"cut{path.replace('/', '-')}")
    before = stack.blobs, api.versions(name), api.get("/merges", lineage=name)
    document = {"lineage": name, "task": TASK.document}
    body, headers = whole_request(stack, path, document, material)
    gateway = stack.pid("gateway")

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        eventually(lambda: stack.uploads, "the upload has begun")
        os.kill(gateway, signal.SIGKILL)
        yield body[len(body) // 2 :]

    with pytest.raises(httpx.TransportError):
        httpx.post(f"{stack.url}{path}", content=half(), headers=headers, trust_env=False, timeout=60)
    stack.restarted("gateway", gateway)
    stack.wait_ready()
    assert (stack.blobs, api.versions(name), api.get("/merges", lineage=name)) == before
    assert stack.uploads == []
    made = api.merge(document, material.full[TASK.name], material.calibration[TASK.name])
    assert api.wait_success(made)["version"] == f"{name}@1"


def whole_request(stack: Stack, path: str, document: Json, material: Material) -> tuple[bytes, dict[str, str]]:
    """The bytes of an upload of several megabytes, and the headers that go with it."""
    checkpoint = material.full[TASK.name].read_bytes()
    if path == "/blobs":
        return checkpoint, {}
    files = parts(document, checkpoint, material.calibration[TASK.name].read_bytes())
    request = httpx.Request("POST", stack.url + path, files=files)
    return request.read(), {"Content-Type": request.headers["content-type"]}


def test_the_supervisors_death_leaves_no_process_and_the_next_start_finishes_the_queue(
    own_stack: Start, prepared: Client, client: Client, material: Material
) -> None:
    stack = own_stack()
    api = prepared(stack)
    first = send_long(api, material)
    second = api.merge(
        {"lineage": "line", "task": TASKS[1].document, "recipe": {"method": "average"}}, material.visual["beta"]
    )
    api.wait_running(first)
    stack.kill_supervisor()
    eventually(lambda: not stack.processes(), "nothing of it is left", deadline=30)

    stack.start()
    api = client(stack)
    assert api.wait_success(first)["version"] == "line@1"
    assert api.wait_success(second)["version"] == "line@2"
    assert [version["number"] for version in api.versions("line")] == [0, 1, 2]
    assert stack.stop() == 0
    assert stack.processes() == []


def test_a_second_service_on_the_same_folder_is_refused_and_the_first_one_lives_on(own_stack: Start) -> None:
    stack = own_stack()
    with pytest.raises(RuntimeError, match="in use by process"):
        Stack(stack.data).start()
    stack.wait_ready()
    assert stack.stop() == 0
