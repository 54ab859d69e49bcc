"""One real gateway process for all tests of its behaviour; merges are done by lines of Python in place of a worker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.state_reader import LedgerReader
from registry.blobs.files import FileBlobStore
from registry.blobs.manifests import FileManifests
from registry.state.state_store import StateStore
from standalone.valkey import EmbeddedValkey
from tests.integration.ledger.conftest import Ledger


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
    gateway = Gateway(product_server, product_root / "data")
    yield gateway.start()
    gateway.close()


@pytest.fixture
def own_gateway(product_server: EmbeddedValkey, product_root: Path) -> Iterator[Callable[..., Gateway]]:
    """Start gateways over the same stores with settings of the test's own, which it may kill."""
    made: list[Gateway] = []

    def start(**settings: str) -> Gateway:
        made.append(Gateway(product_server, product_root / "data", **settings))
        return made[-1].start()

    yield start
    for gateway in made:
        gateway.close()
