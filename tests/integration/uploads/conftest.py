"""A gateway over an empty data folder, and a small safetensors file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from safetensors.torch import save

from service.app import create_app
from service.settings import GatewaySettings
from standalone.valkey import EmbeddedValkey

FILE = save({"weight": torch.arange(100_000, dtype=torch.float32)})


@pytest.fixture
def settings(valkey: EmbeddedValkey, tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(
        redis_url=valkey.url, broker_url="redis://127.0.0.1:1/0", data_dir=tmp_path, max_open_uploads=3
    )


@pytest.fixture
def http(settings: GatewaySettings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client
