"""A gateway with one version of 24 MB."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from service.settings import GatewaySettings
from standalone.valkey import EmbeddedValkey
from tests.integration.uploads.served import Served, served

SIZE = 24_000_000
WEIGHTS = "/models/plain@0/weights"


@dataclass(frozen=True)
class ServedWeights:
    """A gateway, its settings and the bytes of its version."""

    gateway: Served
    settings: GatewaySettings
    content: bytes


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWeights]:
    header = json.dumps({"w": {"dtype": "U8", "shape": [SIZE], "data_offsets": [0, SIZE]}}).encode()
    content = len(header).to_bytes(8, "little") + header + random.randbytes(SIZE)
    folder = tmp_path_factory.mktemp("weights")
    with EmbeddedValkey(folder / "valkey") as valkey:
        settings = GatewaySettings(redis_url=valkey.url, broker_url=valkey.broker_url, data_dir=folder / "data")
        with served(settings) as gateway:
            base = gateway.http.post("/blobs", content=content).json()["digest"]
            response = gateway.http.post(
                "/lineages", json={"name": "plain", "base": base, "recipe": {"method": "average"}}
            )
            assert response.status_code == 201, response.text
            yield ServedWeights(gateway, settings, content)
