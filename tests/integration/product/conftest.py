"""One real gateway process for all tests of its behaviour; merges are done by lines of Python in place of a worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.harness.ledger import LedgerReader
from registry.blobs.files import FileBlobStore
from registry.blobs.manifests import FileManifests
from registry.state.state_store import StateStore
from standalone.pdeathsig import command_with_pdeathsig
from standalone.valkey import EmbeddedValkey
from tests.acceptance.stack import eventually, free_port
from tests.integration.ledger.conftest import Ledger

_ROOT = Path(__file__).parents[3]


class Gateway:
    """A gateway process over a state store and a data folder."""

    def __init__(self, server: EmbeddedValkey, root: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = root / f"gateway-{self.port}.log"
        self._environment = {
            **os.environ,
            "ODEM_REDIS_URL": server.url,
            "ODEM_BROKER_URL": server.broker_url,
            "ODEM_DATA_DIR": str(root / "data"),
            "ODEM_PORT": str(self.port),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, timeout=90, trust_env=False)

    def start(self) -> "Gateway":
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command_with_pdeathsig((sys.executable, "-m", "service")),
                cwd=_ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._ready, f"the gateway answers; it said {self.log.read_text()[-2000:]}", 90)
        return self

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def process(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(90)

    def discard(self) -> None:
        self.http.close()
        if self._process is not None and self._process.poll() is None:
            self.kill()


@pytest.fixture(scope="session")
def product_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("product-valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def product_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("product")


@pytest.fixture(scope="session")
def books(product_server: EmbeddedValkey, product_root: Path) -> Iterator[Ledger]:
    """Return the stores that the gateway uses."""
    state = StateStore.open(product_server.url)
    root = product_root / "data"
    with LedgerReader(product_server.url) as reader:
        yield Ledger(root, state, reader, FileBlobStore(root), FileManifests(root), product_server.url)
    state.close()


@pytest.fixture(scope="session")
def gateway(product_server: EmbeddedValkey, product_root: Path) -> Iterator[Gateway]:
    """Return a gateway that no test may break; each test takes a lineage of its own."""
    house = Gateway(product_server, product_root)
    yield house.start()
    house.discard()


@pytest.fixture
def own_gateway(product_server: EmbeddedValkey, product_root: Path) -> Iterator[Callable[..., Gateway]]:
    """Start gateways over the same stores with settings of the test's own, which it may kill."""
    made: list[Gateway] = []

    def start(**settings: str) -> Gateway:
        made.append(Gateway(product_server, product_root, **settings))
        return made[-1].start()

    yield start
    for house in made:
        house.discard()
