"""Hostile input: each case gets its problem, and after all of them the store is unchanged and the gateway healthy."""

import contextlib
import socket
from pathlib import Path

import pytest

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import eventually
from tests.integration.uploads.conftest import FILE, inside
from tests.integration.uploads.hostile_files import FILES, LARGE
from tests.integration.uploads.hostile_requests import REQUESTS, Hostile, json_problem, post

pytestmark = pytest.mark.slow
_DEADLINE = 90.0
CASES = REQUESTS | {
    f"the file: {name}": Hostile(post("/blobs", body=body), 413 if kind == LARGE else 422, kind)
    for name, (body, kind) in FILES.items()
}


def _data(gateway: Gateway) -> Path:
    return gateway.data


def talk(port: int, case: Hostile) -> tuple[int, str]:
    """Send a case, and return the status and problem type of the response."""
    response = b""
    with socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE) as connection:
        with contextlib.suppress(ConnectionError):  # the server may close before it has received everything
            connection.sendall(case.sent)
        if case.then == "leave":
            return 0, ""
        if case.then == "end":
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in response.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n") or not _whole(response):
                chunk = connection.recv(1 << 16)
                if not chunk:
                    break
                response += chunk
    return json_problem(response)


def _whole(response: bytes) -> bool:
    head, _, body = response.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return len(body) >= int(length.partition(b":")[2])


@pytest.fixture(scope="module")
def before(gateway: Gateway) -> dict[str, bytes]:
    """Return the data folder as it is before any case."""
    return inside(_data(gateway))


@pytest.mark.parametrize("name", CASES)
def test_hostile_input_gets_its_problem(gateway: Gateway, before: dict[str, bytes], name: str) -> None:
    case = CASES[name]
    assert talk(gateway.port, case) == (case.status, case.kind)
    assert before


def test_after_all_cases_the_store_is_unchanged_and_the_gateway_healthy(
    gateway: Gateway, before: dict[str, bytes]
) -> None:
    data = _data(gateway)
    assert gateway.running
    eventually(lambda: not list((data / "uploads").iterdir()), "unfinished uploads are deleted")
    eventually(lambda: inside(data) == before, "the data folder is unchanged")
    client = gateway.client(None)
    assert client.get("/merges", params={"lineage": "plain"}).json()["merges"] == []
    assert [item["name"] for item in client.get("/lineages").json()["lineages"]] == ["plain"]
    assert client.post("/blobs", content=FILE).status_code == 201
    assert "Traceback" not in gateway.text
    assert gateway.process.num_fds() < 60


def test_there_are_more_than_120_cases() -> None:
    assert len(CASES) > 120


def test_slow_clients_do_not_block_other_requests(gateway: Gateway) -> None:
    """Eight slow uploads reach the concurrency limit; other requests are served at once."""
    client = gateway.client(None)
    connections: list[socket.socket] = []

    def limit_reached() -> bool:
        # New ones each time: the idle limit ends them after a second, which can pass on a busy machine.
        for _ in range(8):
            connections.append(socket.create_connection(("127.0.0.1", gateway.port), timeout=_DEADLINE))
            connections[-1].sendall(post("/blobs", body=FILE)[:-1000])
        return client.post("/blobs", content=FILE).status_code == 429

    try:
        eventually(limit_reached, "the limit is reached")
        assert client.get("/healthz").status_code == 200
        eventually(lambda: client.post("/blobs", content=FILE).status_code == 201, "the idle limit has ended them")
    finally:
        for connection in connections:
            connection.close()
