"""Hostile input: each case has its answer, and after all of them nothing has changed and the gateway is well."""

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
    """Send a case, and return status and kind of what was answered."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE) as wire:
        with contextlib.suppress(ConnectionError):  # the server may have heard enough before all is said
            wire.sendall(case.sent)
        if case.then == "leave":
            return 0, ""
        if case.then == "end":
            wire.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n") or not _whole(answer):
                piece = wire.recv(1 << 16)
                if not piece:
                    break
                answer += piece
    return json_problem(answer)


def _whole(answer: bytes) -> bool:
    head, _, body = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return len(body) >= int(length.partition(b":")[2])


@pytest.fixture(scope="module")
def before(gateway: Gateway) -> dict[str, bytes]:
    """Return the data folder as it is before any case."""
    return inside(_data(gateway))


@pytest.mark.parametrize("name", CASES)
def test_hostile_input_gets_its_answer(gateway: Gateway, before: dict[str, bytes], name: str) -> None:
    case = CASES[name]
    assert talk(gateway.port, case) == (case.status, case.kind)
    assert before


def test_after_all_of_it_the_store_is_byte_for_byte_as_before_and_the_gateway_is_well(
    gateway: Gateway, before: dict[str, bytes]
) -> None:
    data = _data(gateway)
    assert gateway.running
    eventually(lambda: not list((data / "uploads").iterdir()), "what was cut off is forgotten")
    eventually(lambda: inside(data) == before, "the data folder is as it was")
    client = gateway.client(None)
    assert client.get("/merges", params={"lineage": "plain"}).json()["merges"] == []
    assert [item["name"] for item in client.get("/lineages").json()["lineages"]] == ["plain"]
    assert client.post("/blobs", content=FILE).status_code == 201
    assert "Traceback" not in gateway.text
    assert gateway.process.num_fds() < 60


def test_there_are_more_than_sixty_of_them() -> None:
    assert len(CASES) > 120


def test_a_sender_of_one_byte_now_and_then_does_not_keep_others_waiting(gateway: Gateway) -> None:
    """Eight of them take all the slots that there are for uploads; whoever only asks is answered at once."""
    client = gateway.client(None)
    wires: list[socket.socket] = []

    def taken() -> bool:
        # Anew each time: silence frees them after a second, which can pass while this machine does something else.
        for _ in range(8):
            wires.append(socket.create_connection(("127.0.0.1", gateway.port), timeout=_DEADLINE))
            wires[-1].sendall(post("/blobs", body=FILE)[:-1000])
        return client.post("/blobs", content=FILE).status_code == 429

    try:
        eventually(taken, "all slots are taken")
        assert client.get("/healthz").status_code == 200
        eventually(lambda: client.post("/blobs", content=FILE).status_code == 201, "silence has freed them")
    finally:
        for wire in wires:
            wire.close()
