"""One gateway with authentication on, and gateways with settings of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from benchmarks.harness.gateway import Gateway
from standalone.valkey import EmbeddedValkey
from tests.integration.access.gateway import gateway_with_keys


@pytest.fixture(scope="module")
def gateway(valkey_server: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Return a gateway that asks for keys, over an empty store, for one file's tests."""
    valkey_server.start()
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
    made = gateway_with_keys(
        valkey_server, tmp_path_factory.mktemp("access") / "data", ODEM_KEY_CACHE_SECONDS="0"
    ).start()
    yield made
    made.close()


@pytest.fixture
def own_gateway(valkey: EmbeddedValkey, tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Start gateways with settings of the test's own, over one empty store."""
    made: list[Gateway] = []

    def start(**settings: str) -> Gateway:
        made.append(gateway_with_keys(valkey, tmp_path / "data", **settings))
        return made[-1].start()

    yield start
    for each in made:
        print(each.text)  # shown when the test has failed
        each.close()
