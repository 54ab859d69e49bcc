"""One upload, several requests: who is alive keeps its turn, who is gone is waited for, who is silent is replaced."""

import hashlib
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from registry.blobs.writer import FileBlobWriter
from service.settings import GatewaySettings
from tests.integration.access.gateway import eventually
from tests.integration.uploads.conftest import FILE
from tests.integration.uploads.served import Served, SlowDisk, served

_TUS = {"Tus-Resumable": "1.0.0"}
_HALF = len(FILE) // 2
_RESET = b"\x01\0\0\0\0\0\0\0"


@pytest.fixture
def house(settings: GatewaySettings) -> Iterator[Served]:
    """Return a gateway in which nobody is silent for too long."""
    with served(settings.model_copy(update={"idle_seconds": 300.0, "takeover_seconds": 300.0})) as house:
        yield house


def _begin(house: Served) -> str:
    return str(house.http.post("/uploads", headers=_TUS | {"Upload-Length": str(len(FILE))}).headers["location"])


def _send(house: Served, url: str, sent: bytes, *, announced: int = len(FILE)) -> socket.socket:
    """A connection that has sent the beginning of a PATCH and has the turn."""
    wire = house.connect()
    head = (
        f"PATCH {url} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {announced}\r\n\r\n"
    )
    wire.sendall(head.encode() + sent)
    eventually(lambda: house.context.senders.sends(url.rpartition("/")[2]), "it sends")
    return wire


def _patch(house: Served, url: str, offset: int) -> httpx.Response:
    headers = _TUS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return house.http.patch(url, headers=headers, content=FILE[offset:])


def _digest(house: Served, url: str) -> str | None:
    digest: str | None = house.http.get(url).json()["digest"]
    return digest


def test_of_two_clients_on_one_upload_one_is_told_to_wait_and_nothing_mixes(house: Served) -> None:
    url = _begin(house)
    with _send(house, url, FILE[:_HALF]) as first:
        refused = [_patch(house, url, 0), house.http.delete(url, headers=_TUS)]
        assert [(item.status_code, item.json()["type"]) for item in refused] == [(423, "/problems/upload-busy")] * 2
        assert house.http.head(url, headers=_TUS).status_code == 200
        first.sendall(FILE[_HALF:])
        assert first.recv(1 << 16).startswith(b"HTTP/1.1 204 ")
    assert _digest(house, url) == f"sha256:{hashlib.sha256(FILE).hexdigest()}"


def _wait_for(house: Served, disk: SlowDisk, url: str, ask: str) -> httpx.Response:
    """The answer to a request that comes while the disk stands still."""
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(house.http.request, ask, url, headers=_TUS)
        # Two other requests, one after the other, and so it has come, too.
        for _ in range(2):
            assert httpx.get(f"{house.http.base_url}/healthz", timeout=90, trust_env=False).status_code == 200
        disk.lets.set()
        return later.result()


def test_whoever_comes_while_the_bytes_of_a_cut_request_are_synced_goes_on_behind_them(
    house: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = _begin(house)
    disk = SlowDisk(os.fdatasync)
    monkeypatch.setattr(os, "fdatasync", disk.call)
    _send(house, url, FILE[:_HALF]).close()
    assert disk.reached.wait(90)
    assert _wait_for(house, disk, url, "HEAD").headers["upload-offset"] == str(_HALF)
    assert _patch(house, url, _HALF).headers["upload-blob"] == f"sha256:{hashlib.sha256(FILE).hexdigest()}"


def test_a_cut_is_noticed_while_the_disk_keeps_the_body_from_being_read(
    house: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway reads no more, so its event loop hears of no end; the kernel knows of it."""
    url = _begin(house)
    disk = SlowDisk(FileBlobWriter.write)
    monkeypatch.setattr(FileBlobWriter, "write", disk.call)
    wire = _send(house, url, FILE)
    assert disk.reached.wait(90)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    wire.close()
    assert _wait_for(house, disk, url, "DELETE").status_code == 204


def test_who_is_silent_gives_way_to_who_sends(settings: GatewaySettings) -> None:
    with served(settings.model_copy(update={"idle_seconds": 300.0, "takeover_seconds": 0.0})) as house:
        url = _begin(house)
        with _send(house, url, FILE[:_HALF]) as silent:

            def sent() -> bool:
                offset = int(house.http.head(url, headers=_TUS).headers["upload-offset"])
                return _patch(house, url, offset).status_code == 204

            eventually(sent, "the other one is let in")
            with suppress(ConnectionResetError):
                assert silent.recv(1) == b""
        assert _digest(house, url) == f"sha256:{hashlib.sha256(FILE).hexdigest()}"
