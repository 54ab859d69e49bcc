"""A gateway with an empty data folder, in this process or in its own, and a small safetensors file."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from safetensors.torch import save

from benchmarks.harness.gateway import Gateway
from service.app import create_app
from service.settings import GatewaySettings
from standalone.valkey import EmbeddedValkey

FILE = save({"weight": torch.arange(100_000, dtype=torch.float32)})
IDLE_SECONDS = 1.0


@pytest.fixture
def settings(valkey: EmbeddedValkey, tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(
        redis_url=valkey.url, broker_url="redis://127.0.0.1:1/0", data_dir=tmp_path, max_open_uploads=3
    )


@pytest.fixture
def http(settings: GatewaySettings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Return a gateway process of its own, with one lineage `plain`."""
    folder = tmp_path_factory.mktemp("gateway")
    with EmbeddedValkey(folder / "valkey") as valkey:
        gateway = Gateway(
            valkey, folder / "data", ODEM_AUTH="off", ODEM_IDLE_SECONDS=str(IDLE_SECONDS), ODEM_MAX_OPEN_UPLOADS="8"
        )
        try:
            client = gateway.start().client(None)
            base = client.post("/blobs", content=FILE).json()["digest"]
            response = client.post("/lineages", json={"name": "plain", "base": base, "recipe": {"method": "average"}})
            assert response.status_code == 201, response.text
            yield gateway
        finally:
            gateway.close()


def inside(folder: Path) -> dict[str, bytes]:
    """Every file of the data folder but locks, which have no bytes, and its bytes."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def document(**more: object) -> bytes:
    """The JSON part of a merge into `plain`."""
    return json.dumps({"lineage": "plain", "task": {"name": "t"}} | more).encode()
