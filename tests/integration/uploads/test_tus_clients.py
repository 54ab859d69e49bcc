"""tuspy and tus-js-client against the real gateway, over an unreliable network, while the gateway is killed."""

import hashlib
import json
import os
import queue
import random
import shutil
import socket
import subprocess
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from tusclient.client import TusClient

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import eventually
from tests.integration.uploads.conftest import inside
from tests.integration.uploads.cutting import CuttingProxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]
_JS = Path(__file__).with_name("tus_js")
_SIZE = 8_000_000
_CUTS = 6
_KILLED_AT = {3}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a safetensors file of some megabytes of noise."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [_SIZE], "data_offsets": [0, _SIZE]}}).encode()
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + random.randbytes(_SIZE))
    return path


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with tus-js-client, as its lock says."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("tus-js-client needs node and npm on this machine")
    folder = tmp_path_factory.mktemp("tus") / "js"
    shutil.copytree(_JS, folder, ignore=shutil.ignore_patterns("node_modules"))
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


class Restarts:
    """Kills and restarts of the gateway, requested by the proxy and done by the test's thread."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._requests: queue.Queue[threading.Event] = queue.Queue()

    def request(self, number: int) -> None:
        """Return once the gateway was killed and restarted, if this is the cut for it."""
        if number in _KILLED_AT:
            done = threading.Event()
            self._requests.put(done)
            assert done.wait(120)

    def serve_until(self, client: "Future[str]") -> None:
        while not client.done():
            with suppress(queue.Empty):
                done = self._requests.get(timeout=0.05)
                self._gateway.kill()
                self._gateway.start()
                done.set()


def _with_js(endpoint: str, file: Path, packages: Path) -> str:
    environment = {**os.environ, "no_proxy": "*"}
    command = ["node", "upload.js", endpoint, str(file)]
    done = subprocess.run(command, cwd=packages, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def _with_python(endpoint: str, file: Path, chunk: int) -> str:
    with file.open("rb") as stream:
        uploader = TusClient(endpoint).uploader(file_stream=stream, chunk_size=chunk, retries=900, retry_delay=0.1)
        uploader.upload()
        return str(uploader.url)


@pytest.mark.parametrize("name", ["tus-js-client", "tuspy", "tuspy in chunks"])
def test_bytes_arrive_intact_over_cuts_and_kills_of_the_gateway(
    gateway: Gateway, file: Path, name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")

    # Whatever is stored before each cut, the file is not complete before the last one.
    max_bytes = _SIZE // (_CUTS + 2)
    packages = request.getfixturevalue("packages") if name == "tus-js-client" else None
    restarts = Restarts(gateway)
    with CuttingProxy(gateway.port, _CUTS, seed, max_bytes, restarts.request) as network, ThreadPoolExecutor(1) as pool:
        endpoint = f"http://127.0.0.1:{network.port}/uploads"
        if packages is not None:
            client = pool.submit(_with_js, endpoint, file, packages)
        else:
            client = pool.submit(_with_python, endpoint, file, 3_000_000 if name == "tuspy in chunks" else _SIZE * 2)
        restarts.serve_until(client)
        url = client.result()
    assert network.cuts == _CUTS
    view = gateway.client(None).get(f"/uploads/{url.rpartition('/')[2]}").json()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (view["offset"], view["digest"]) == (file.stat().st_size, f"sha256:{digest}")
    data = gateway.data
    assert (data / "blobs" / "sha256" / digest[:2] / digest).read_bytes() == file.read_bytes()


def _begin(gateway: Gateway, file: Path) -> str:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(file.stat().st_size)}
    response = gateway.client(None).post("/uploads", headers=headers)
    return str(response.headers["location"])


def _patch(url: str, offset: int, length: int) -> bytes:
    return (
        f"PATCH {url} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_a_killed_client_leaves_nothing_visible_and_its_bytes_are_deleted(
    gateway: Gateway, file: Path, share: float
) -> None:
    """The connection is reset, as for a killed process: a raw body is deleted at once, an upload by DELETE."""
    data = gateway.data
    whole = file.read_bytes()
    sent = whole[: int(share * len(whole))]
    before = inside(data)
    client, url = gateway.client(None), _begin(gateway, file)
    head = f"POST /blobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(whole)}\r\n\r\n".encode()
    for start in (head, _patch(url, 0, len(whole))):
        with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.sendall(start + sent)
    digest = f"sha256:{hashlib.sha256(whole).hexdigest()}"
    eventually(lambda: not list((data / "uploads").iterdir()), "the raw body is deleted")
    assert client.head(f"/blobs/{digest}").status_code == 404
    assert client.get(url).json()["digest"] is None
    headers = {"Tus-Resumable": "1.0.0"}
    eventually(lambda: client.delete(url, headers=headers).status_code == 204, "the upload is deleted")
    assert inside(data) == before


def test_an_expired_upload_of_a_killed_client_is_deleted(gateway: Gateway, file: Path) -> None:
    data = gateway.data
    url = _begin(gateway, file)
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(_patch(url, 0, 2_000_000) + file.read_bytes()[:1_500_000])
    folder = data / "resumable" / url.rpartition("/")[2]
    eventually(
        lambda: json.loads((folder / "record.json").read_text())["offset"] == 1_500_000, "the received bytes are stored"
    )
    record = folder / "record.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"expires_at": "2020-01-01T00:00:00Z"}))
    assert gateway.client(None).get(url).status_code == 404
    gateway.kill()
    gateway.start()
    eventually(lambda: not folder.exists(), "it is deleted")
