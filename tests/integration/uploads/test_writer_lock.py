"""Several requests that write to one upload: the newest one wins, and no byte is lost or mixed."""

import hashlib
import http.client
import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from benchmarks.harness.processes import eventually
from registry.api_key import Scope, new_key
from registry.blobs.writer import FileBlobWriter
from registry.state.state_store import StateStore
from service.settings import GatewaySettings
from service.uploads.writer_lock import WriterLocks
from tests.integration.uploads.conftest import FILE
from tests.integration.uploads.served import Served, SlowDisk, served

_TUS = {"Tus-Resumable": "1.0.0"}
_HALF = len(FILE) // 2
_DIGEST = f"sha256:{hashlib.sha256(FILE).hexdigest()}"
_RESET = b"\x01\0\0\0\0\0\0\0"


@pytest.fixture
def gateway(settings: GatewaySettings) -> Iterator[Served]:
    """Return a gateway that closes no idle connection and waits long for a writer to stop."""
    with served(settings.model_copy(update={"idle_seconds": 300.0, "takeover_seconds": 300.0})) as gateway:
        yield gateway


def _create(gateway: Served) -> str:
    return str(gateway.http.post("/uploads", headers=_TUS | {"Upload-Length": str(len(FILE))}).headers["location"])


def _start(gateway: Served, url: str, sent: bytes, offset: int = 0, *more: str) -> socket.socket:
    """A connection that has sent the beginning of a PATCH, whose request holds the writer lock."""
    connection = gateway.connect()
    headers = [
        f"PATCH {url} HTTP/1.1",
        "Host: localhost",
        "Tus-Resumable: 1.0.0",
        f"Upload-Offset: {offset}",
        "Content-Type: application/offset+octet-stream",
        f"Content-Length: {len(FILE) - offset}",
        *more,
    ]
    connection.sendall("\r\n".join([*headers, "", ""]).encode() + sent)
    eventually(lambda: gateway.services.get(WriterLocks).is_held(url.rpartition("/")[2]), "the request holds the lock")
    return connection


def _patch(gateway: Served, url: str, offset: int) -> httpx.Response:
    headers = _TUS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return gateway.http.patch(url, headers=headers, content=FILE[offset:])


def _offset(gateway: Served, url: str) -> int:
    return int(gateway.http.head(url, headers=_TUS).headers["upload-offset"])


def _problem(connection: socket.socket) -> tuple[int, str]:
    """Status and type of the problem that a connection receives."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, json.loads(response.read())["type"]


def test_the_newest_of_two_live_writers_wins_and_continues_from_the_bytes_of_the_older(gateway: Served) -> None:
    url = _create(gateway)
    with _start(gateway, url, FILE[:_HALF]) as older:
        offset = _offset(gateway, url)
        assert 0 <= offset <= _HALF
        assert _problem(older) == (423, "/problems/upload-busy")
        response = _patch(gateway, url, offset)
    assert response.headers["upload-blob"] == _DIGEST


def test_a_patch_at_the_stored_offset_stops_the_older_writer(gateway: Served) -> None:
    url = _create(gateway)
    with _start(gateway, url, b"") as older:
        response = _patch(gateway, url, 0)
        assert _problem(older) == (423, "/problems/upload-busy")
    assert response.headers["upload-blob"] == _DIGEST


def test_many_writers_that_take_over_from_each_other_store_every_byte_once(gateway: Served) -> None:
    url = _create(gateway)
    connections = []
    for step in range(1, 9):
        offset = _offset(gateway, url)
        connections.append(_start(gateway, url, FILE[offset : step * len(FILE) // 10], offset))
    response = _patch(gateway, url, _offset(gateway, url))
    for connection in connections:
        assert _problem(connection) == (423, "/problems/upload-busy")
        connection.close()
    assert response.headers["upload-blob"] == _DIGEST


def test_a_delete_stops_the_writer(gateway: Served) -> None:
    url = _create(gateway)
    with _start(gateway, url, FILE[:_HALF]) as writer:
        assert gateway.http.delete(url, headers=_TUS).status_code == 204
        assert _problem(writer) == (423, "/problems/upload-busy")
    assert gateway.http.head(url, headers=_TUS).status_code == 404


def test_bytes_with_a_checksum_do_not_count_when_their_request_is_stopped(gateway: Served) -> None:
    url = _create(gateway)
    with _start(gateway, url, FILE[:_HALF], 0, "Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=") as older:
        assert _offset(gateway, url) == 0
        assert _problem(older) == (423, "/problems/upload-busy")
    assert _patch(gateway, url, 0).headers["upload-blob"] == _DIGEST


def test_a_refused_request_does_not_stop_a_writer_nor_does_a_get(gateway: Served) -> None:
    url = _create(gateway)
    with _start(gateway, url, FILE[:_HALF]) as writer:
        headers = {"Upload-Offset": "0", "Content-Type": "text/plain"}
        assert gateway.http.patch(url, headers=_TUS | headers, content=b"x").status_code == 415
        assert gateway.http.get(url).status_code == 200
        writer.sendall(FILE[_HALF:])
        assert writer.recv(1 << 16).startswith(b"HTTP/1.1 204 ")
    assert gateway.http.get(url).json()["digest"] == _DIGEST


def test_another_key_does_not_stop_a_writer(settings: GatewaySettings) -> None:
    with served(settings.model_copy(update={"auth": True})) as gateway:
        state = StateStore.open(settings.redis_url)
        tokens = []
        for name in ("owner", "other"):
            key, token = new_key(name, Scope.MERGE)
            state.api_keys.add(key)
            tokens.append({"Authorization": f"Bearer {token}"})
        state.close()
        gateway.http.headers.update(tokens[0])
        url = _create(gateway)
        with _start(gateway, url, FILE[:_HALF], 0, f"Authorization: {tokens[0]['Authorization']}") as writer:
            for method in ("HEAD", "DELETE"):
                assert gateway.http.request(method, url, headers=_TUS | tokens[1]).status_code == 404
            writer.sendall(FILE[_HALF:])
            assert writer.recv(1 << 16).startswith(b"HTTP/1.1 204 ")


def _request_while_blocked(gateway: Served, disk: SlowDisk, url: str, method: str) -> httpx.Response:
    """The response to a request that arrives while the disk is blocked."""
    with ThreadPoolExecutor(1) as pool:
        response = pool.submit(gateway.http.request, method, url, headers=_TUS)
        # Two other requests, one after the other: by then it has arrived, too.
        for _ in range(2):
            assert httpx.get(f"{gateway.http.base_url}/healthz", timeout=90, trust_env=False).status_code == 200
        disk.resume.set()
        return response.result()


def test_a_request_that_arrives_while_a_cut_one_is_synced_continues_behind_its_bytes(
    gateway: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = _create(gateway)
    disk = SlowDisk(os.fdatasync)
    monkeypatch.setattr(os, "fdatasync", disk.operation)
    _start(gateway, url, FILE[:_HALF]).close()
    assert disk.reached.wait(90)
    assert _request_while_blocked(gateway, disk, url, "HEAD").headers["upload-offset"] == str(_HALF)
    assert _patch(gateway, url, _HALF).headers["upload-blob"] == _DIGEST


def test_a_writer_whose_disk_is_blocked_stops_after_the_write(gateway: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway does not read the connection meanwhile, so it does not know that the client has reset it."""
    url = _create(gateway)
    disk = SlowDisk(FileBlobWriter.write)
    monkeypatch.setattr(FileBlobWriter, "write", disk.operation)
    connection = _start(gateway, url, FILE)
    assert disk.reached.wait(90)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()
    assert _request_while_blocked(gateway, disk, url, "DELETE").status_code == 204


def test_a_writer_that_does_not_stop_in_time_keeps_the_lock(
    settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(settings.model_copy(update={"idle_seconds": 300.0, "takeover_seconds": 0.2})) as gateway:
        url = _create(gateway)
        disk = SlowDisk(os.fdatasync)
        monkeypatch.setattr(os, "fdatasync", disk.operation)
        with _start(gateway, url, FILE[:_HALF]):
            response = _patch(gateway, url, 0)
            assert (response.status_code, response.json()["type"]) == (423, "/problems/upload-busy")
            disk.resume.set()
        eventually(lambda: gateway.http.head(url, headers=_TUS).status_code == 200, "the lock is free again")
        assert _patch(gateway, url, _offset(gateway, url)).headers["upload-blob"] == _DIGEST
