"""One gateway with one version of some megabytes, and what its clients see."""

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
class Shop:
    """A gateway, how it is set, and the bytes of its version."""

    house: Served
    settings: GatewaySettings
    whole: bytes


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    header = json.dumps({"w": {"dtype": "U8", "shape": [SIZE], "data_offsets": [0, SIZE]}}).encode()
    whole = len(header).to_bytes(8, "little") + header + random.randbytes(SIZE)
    folder = tmp_path_factory.mktemp("shop")
    with EmbeddedValkey(folder / "valkey") as valkey:
        settings = GatewaySettings(redis_url=valkey.url, broker_url=valkey.broker_url, data_dir=folder / "data")
        with served(settings) as house:
            base = house.http.post("/blobs", content=whole).json()["digest"]
            answer = house.http.post("/lineages", json={"name": "plain", "base": base, "recipe": {"method": "average"}})
            assert answer.status_code == 201, answer.text
            yield Shop(house, settings, whole)
