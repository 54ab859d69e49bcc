"""Fixtures for tests of the standalone command."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.standalone.stack import STAND_INS, Stack, free_port


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Start a house; all that is started is killed after the test."""
    started: list[Stack] = []
    port = free_port()

    def start(port: int = port, rooms: Path = STAND_INS, **environment: str) -> Stack:
        started.append(Stack(tmp_path / "data", port, rooms, **environment))
        return started[-1]

    yield start
    for each in started:
        each.ends(signal.SIGKILL)
        psutil.wait_procs(each.seen, timeout=10)
        print(each.text)
