"""Fixtures for tests of the standalone command."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.standalone.house import House, free_port


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Start a house; all that is started is killed after the test."""
    started: list[House] = []
    port = free_port()

    def start(data: Path = tmp_path / "data", port: int = port, **environment: str) -> House:
        started.append(House(data, port, **environment))
        return started[-1]

    yield start
    for each in started:
        each.ends(signal.SIGKILL)
        psutil.wait_procs(each.seen, timeout=10)
