"""Fixtures for tests of the standalone command."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.harness.processes import free_port
from tests.integration.standalone.stack import STAND_INS, Stack


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Start stacks over one data folder; all that is started is killed after the test."""
    started: list[Stack] = []
    port = free_port()

    def start_stack(port: int = port, packages: Path = STAND_INS, **environment: str) -> Stack:
        started.append(Stack(tmp_path / "data", port, packages, **environment))
        return started[-1]

    yield start_stack
    for stack in started:
        stack.end(signal.SIGKILL)
        psutil.wait_procs(stack.seen, timeout=10)
        print(stack.text)  # shown when the test has failed
