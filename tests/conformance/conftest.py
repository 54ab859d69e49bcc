"""Every server that a state store may stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from standalone.valkey import EmbeddedValkey
from tests.conformance.servers import SERVERS, start_server


@pytest.fixture(scope="session", params=SERVERS)
def any_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """Return a running server of each kind, with the settings that production has."""
    name: str = request.param
    folder: Path = tmp_path_factory.mktemp(name)
    server = start_server(name, folder)
    yield server
    server.stop()
    server.close()


@pytest.fixture
def server(any_server: EmbeddedValkey) -> EmbeddedValkey:
    """Return the server, running and empty; a test may kill it and start it again."""
    any_server.start()
    with redis.Redis.from_url(any_server.url) as client:
        client.flushall()
    return any_server
