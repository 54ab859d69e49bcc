"""Downloads over real sockets: zero-copy sending, ranges, pipelining and clients that do not read."""

import http.client
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from benchmarks.harness.processes import eventually
from service.auth.scoped_stores import Stores
from tests.integration.downloads.conftest import WEIGHTS, ServedWeights
from tests.integration.uploads.served import served

_SENDFILE = os.sendfile


@pytest.fixture
def sendfile_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the number of bytes that each call of sendfile has sent."""
    sent: list[int] = []

    def counting(out: int, file: int, offset: int, count: int) -> int:
        sent.append(_SENDFILE(out, file, offset, count))
        return sent[-1]

    monkeypatch.setattr(os, "sendfile", counting)
    return sent


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return a function that returns the warnings and errors that the gateway has logged."""
    return lambda: [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


def _request(
    weights: ServedWeights, *headers: str, method: str = "GET", path: str = WEIGHTS, buffer: int = 0
) -> socket.socket:
    """A connection that has sent a request; a small buffer holds little of the response until it is read."""
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(90)
    connection.connect(("127.0.0.1", weights.gateway.port))
    connection.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode())
    return connection


def _read(connection: socket.socket, method: str = "GET") -> tuple[int, bytes]:
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return response.status, response.read()


def _received(connection: socket.socket) -> bytes:
    """Everything that arrives until the connection ends, by a close or a reset."""
    received = b""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    with connection, suppress(ConnectionResetError):
        while chunk := connection.recv(1 << 20):
            received += chunk
    return received


def _metric(weights: ServedWeights) -> float:
    line = f'odem_http_sent_bytes_total{{method="GET",route="{WEIGHTS.replace("plain@0", "{version}")}"}} '
    text: str = weights.gateway.http.get("/metrics").text
    return next((float(item.removeprefix(line)) for item in text.splitlines() if item.startswith(line)), 0.0)


@pytest.mark.parametrize("requested", [None, (0, 0), (1000, 1999), (5, 23_999_999), (23_999_990, 23_999_999)])
def test_the_whole_file_or_one_range_is_sent_with_sendfile(
    weights: ServedWeights, sendfile_bytes: list[int], requested: tuple[int, int] | None
) -> None:
    """It also fails when a new uvicorn no longer lets ZeroCopyFileResponse use sendfile."""
    expected = weights.content if requested is None else weights.content[requested[0] : requested[1] + 1]
    before = _metric(weights)
    with _request(weights, *([f"Range: bytes={requested[0]}-{requested[1]}"] if requested else [])) as connection:
        status, body = _read(connection)
    assert (status, body == expected) == (206 if requested else 200, True)
    # The client has its bytes before the server has counted them.
    eventually(lambda: _metric(weights) == before + len(expected), "all bytes are counted")
    assert sum(sendfile_bytes) == len(expected)


def test_several_ranges_are_sent_in_chunks(weights: ServedWeights, sendfile_bytes: list[int]) -> None:
    with _request(weights, "Range: bytes=0-99,5000000-9000000") as connection:
        status, body = _read(connection)
    assert (status, sum(sendfile_bytes)) == (206, 0)
    assert weights.content[:100] in body
    assert weights.content[5_000_000:9_000_001] in body


def test_pipelined_responses_keep_their_order(weights: ServedWeights) -> None:
    """Six requests at once; every other one is for a file."""
    ranges = [(0, 3_000_000), (7, 8), (20_000_000, 24_000_000)]
    asked = [f"GET {WEIGHTS} HTTP/1.1\r\nHost: localhost\r\nRange: bytes={a}-{b}\r\n\r\n" for a, b in ranges]
    with _request(weights, method="HEAD") as connection:
        connection.sendall(
            "".join(item + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" for item in asked).encode()
        )
        file = connection.makefile("rb")
        responses = []
        for method in ["HEAD", *["GET"] * 6]:
            head = b"".join(iter(file.readline, b"\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            responses.append(b"" if method == "HEAD" else file.read(length))
    assert responses[1::2] == [weights.content[a : b + 1] for a, b in ranges]
    assert responses[2::2] == [weights.gateway.http.get("/healthz").content] * 3


def test_a_client_that_leaves_releases_its_descriptors_and_only_sent_bytes_are_counted(
    weights: ServedWeights, logged: Callable[[], list[str]]
) -> None:
    process, before = psutil.Process(), _metric(weights)
    weights.gateway.http.get("/healthz")
    open_files = process.num_fds()
    for linger in (b"\0" * 8, b"\x01\0\0\0\0\0\0\0"):
        with _request(weights, buffer=4096) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            assert connection.recv(1000)
    eventually(lambda: process.num_fds() <= open_files, "the file and the socket are closed")
    assert 0 < _metric(weights) - before < 2 * len(weights.content)
    assert logged() == []


def test_clients_that_do_not_read_delay_no_other_client(weights: ServedWeights) -> None:
    """There are more of them than sendfile threads."""
    connections = [_request(weights, buffer=4096) for _ in range(12)]
    assert [connection.recv(5) for connection in connections] == [b"HTTP/"] * 12
    assert weights.gateway.http.get(WEIGHTS).content == weights.content
    for connection in connections:
        connection.close()


def test_connections_of_clients_that_do_not_read_are_closed(
    weights: ServedWeights, logged: Callable[[], list[str]]
) -> None:
    """One response uses sendfile, the other one chunks."""
    with served(weights.settings.model_copy(update={"reader_idle_seconds": 0.5})) as gateway:
        served_weights = replace(weights, gateway=gateway)
        connections = [
            _request(served_weights, buffer=4096),
            _request(served_weights, "Range: bytes=0-9,10000000-20000000", buffer=4096),
        ]
        messages = eventually(lambda: logged() if len(logged()) == len(connections) else None, "each is logged")
        timed_out = "Connection closed: the client read no byte of its response for 0.5 s (ODEM_READER_IDLE_SECONDS)."
        assert messages == [timed_out] * 2
        for connection in connections:
            assert len(_received(connection)) < 9_000_000


def test_a_truncated_file_ends_its_response_early(weights: ServedWeights, logged: Callable[[], list[str]]) -> None:
    path = weights.gateway.services.get(Stores).blobs.path(
        weights.gateway.http.get("/models/plain@0").json()["weights"]
    )
    path.chmod(0o600)
    with _request(weights, buffer=4096) as connection:
        assert connection.recv(1000)
        os.truncate(path, 10_000_000)
        received = _received(connection)
    path.write_bytes(weights.content)
    assert len(received) < 10_001_000
    message = "Sending a file failed; the connection was closed: the file has 10000000 bytes"
    (logged_message,) = eventually(logged, "it is logged")
    assert logged_message.startswith(message)
    assert weights.gateway.http.get("/healthz").status_code == 200
