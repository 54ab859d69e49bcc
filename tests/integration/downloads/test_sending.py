"""Weights over real sockets: the kernel sends them, whoever reads and however."""

import http.client
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from benchmarks.harness.processes import eventually
from tests.integration.downloads.conftest import WEIGHTS, Shop
from tests.integration.uploads.served import served

_SENDFILE = os.sendfile


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list of how much each sendfile has sent."""
    found: list[int] = []

    def counting(out: int, file: int, offset: int, count: int) -> int:
        found.append(_SENDFILE(out, file, offset, count))
        return found[-1]

    monkeypatch.setattr(os, "sendfile", counting)
    return found


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what tells the warnings and errors that the gateway has logged."""
    return lambda: [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


def _ask(shop: Shop, *headers: str, method: str = "GET", path: str = WEIGHTS, buffer: int = 0) -> socket.socket:
    """A connection that has asked; with a small buffer its system takes little of the answer unasked."""
    wire = socket.socket()
    if buffer:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    wire.settimeout(90)
    wire.connect(("127.0.0.1", shop.house.port))
    wire.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode())
    return wire


def _read(wire: socket.socket, method: str = "GET") -> tuple[int, bytes]:
    answer = http.client.HTTPResponse(wire, method=method)
    answer.begin()
    return answer.status, answer.read()


def _taken(wire: socket.socket) -> bytes:
    """All that comes until the end of a connection, whatever end that is."""
    taken = b""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    with wire, suppress(ConnectionResetError):
        while piece := wire.recv(1 << 20):
            taken += piece
    return taken


def _metric(shop: Shop) -> float:
    line = f'odem_http_sent_bytes_total{{method="GET",route="{WEIGHTS.replace("plain@0", "{version}")}"}} '
    text: str = shop.house.http.get("/metrics").text
    return next((float(item.removeprefix(line)) for item in text.splitlines() if item.startswith(line)), 0.0)


@pytest.mark.parametrize("asked", [None, (0, 0), (1000, 1999), (5, 23_999_999), (23_999_990, 23_999_999)])
def test_the_kernel_sends_all_or_a_range(shop: Shop, sent: list[int], asked: tuple[int, int] | None) -> None:
    """This fails also when uvicorn's insides have changed so that files go out in pieces again."""
    expected = shop.whole if asked is None else shop.whole[asked[0] : asked[1] + 1]
    before = _metric(shop)
    with _ask(shop, *([f"Range: bytes={asked[0]}-{asked[1]}"] if asked else [])) as wire:
        status, body = _read(wire)
    assert (status, body == expected) == (206 if asked else 200, True)
    # The client has its bytes before the server has noted that.
    eventually(lambda: _metric(shop) == before + len(expected), "all is counted")
    assert sum(sent) == len(expected)


def test_several_ranges_go_out_in_pieces_and_are_right(shop: Shop, sent: list[int]) -> None:
    with _ask(shop, "Range: bytes=0-99,5000000-9000000") as wire:
        status, body = _read(wire)
    assert (status, sum(sent)) == (206, 0)
    assert shop.whole[:100] in body
    assert shop.whole[5_000_000:9_000_001] in body


def test_answers_keep_their_order_on_a_connection_that_is_used_again(shop: Shop) -> None:
    """Six requests at once, of which each other one is answered with a file."""
    ranges = [(0, 3_000_000), (7, 8), (20_000_000, 24_000_000)]
    asked = [f"GET {WEIGHTS} HTTP/1.1\r\nHost: x\r\nRange: bytes={a}-{b}\r\n\r\n" for a, b in ranges]
    with _ask(shop, method="HEAD") as wire:
        wire.sendall("".join(item + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" for item in asked).encode())
        file = wire.makefile("rb")
        answers = []
        for method in ["HEAD", *["GET"] * 6]:
            head = b"".join(iter(file.readline, b"\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            answers.append(b"" if method == "HEAD" else file.read(length))
    assert answers[1::2] == [shop.whole[a : b + 1] for a, b in ranges]
    assert answers[2::2] == [shop.house.http.get("/healthz").content] * 3


def test_a_reader_who_leaves_costs_nothing_and_only_what_it_took_is_counted(
    shop: Shop, quiet: Callable[[], list[str]]
) -> None:
    process, before = psutil.Process(), _metric(shop)
    shop.house.http.get("/healthz")
    open_files = process.num_fds()
    for linger in (b"\0" * 8, b"\x01\0\0\0\0\0\0\0"):
        with _ask(shop, buffer=4096) as wire:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            assert wire.recv(1000)
    eventually(lambda: process.num_fds() <= open_files, "its file and its socket are closed")
    assert 0 < _metric(shop) - before < 2 * len(shop.whole)
    assert quiet() == []


def test_readers_who_take_nothing_keep_nobody_waiting(shop: Shop) -> None:
    """There are more of them than threads."""
    wires = [_ask(shop, buffer=4096) for _ in range(12)]
    assert [wire.recv(5) for wire in wires] == [b"HTTP/"] * 12
    assert shop.house.http.get(WEIGHTS).content == shop.whole
    for wire in wires:
        wire.close()


def test_readers_who_take_nothing_are_cut_off(shop: Shop, quiet: Callable[[], list[str]]) -> None:
    """One is sent a file, the other one pieces."""
    with served(shop.settings.model_copy(update={"reader_idle_seconds": 0.5})) as impatient:
        other = replace(shop, house=impatient)
        wires = [_ask(other, buffer=4096), _ask(other, "Range: bytes=0-9,10000000-20000000", buffer=4096)]
        said = eventually(lambda: quiet() if len(quiet()) == len(wires) else None, "each is told of")
        assert (
            said
            == ["Connection closed: the client read no byte of its response for 0.5 s (ODEM_READER_IDLE_SECONDS)."] * 2
        )
        for wire in wires:
            assert len(_taken(wire)) < 9_000_000


def test_a_file_that_has_lost_bytes_ends_its_answer_too_early(shop: Shop, quiet: Callable[[], list[str]]) -> None:
    path = shop.house.context.blobs.path(shop.house.http.get("/models/plain@0").json()["weights"])
    path.chmod(0o600)
    with _ask(shop, buffer=4096) as wire:
        assert wire.recv(1000)
        os.truncate(path, 10_000_000)
        taken = _taken(wire)
    path.write_bytes(shop.whole)
    assert len(taken) < 10_001_000
    message = "Sending a file failed; the connection was closed: the file has 10000000 bytes"
    (said,) = eventually(quiet, "it is told of")
    assert said.startswith(message)
    assert shop.house.http.get("/healthz").status_code == 200
