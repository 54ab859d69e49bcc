"""One real gateway for what files and requests go through, one whole service for merges."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.stack import Stack
from odem_client import Odem, Retries
from standalone.valkey import EmbeddedValkey
from tests.clients.material import safetensors_file


@pytest.fixture(scope="session", autouse=True)
def _own_notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the clients' notes of uploads, and any proxy, out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("notes")))
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    with EmbeddedValkey(tmp_path_factory.mktemp("clients-valkey")) as server:
        gateway = Gateway(server, folder / "data")
        yield gateway.start()
        gateway.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def odem(gateway: Gateway) -> Iterator[Odem]:
    with Odem(gateway.url, retries=Retries(attempts=12, first=0.05, longest=10.0)) as client:
        yield client


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run the whole service: gateway, worker, Valkey."""
    folder = tmp_path_factory.mktemp("service")
    stack = Stack(folder / "data")
    try:
        yield stack.start()
    finally:
        stack.discard()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a base without an architecture, and a checkpoint of it."""
    folder = tmp_path_factory.mktemp("plain")
    return safetensors_file(folder / "base.safetensors", 20_000, 1), safetensors_file(folder / "tuned", 20_000, 2)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file that is sent in more than one request. The size can be raised: ODEM_TEST_MEGABYTES=1000."""
    megabytes = int(os.environ.get("ODEM_TEST_MEGABYTES", "64"))
    return safetensors_file(tmp_path_factory.mktemp("large") / "large.safetensors", megabytes * 250_000, 3)
