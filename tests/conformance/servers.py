"""The servers that the state store must run on, and a client whose clock a test sets."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from registry.state.connection import RedisClient
from standalone.valkey import EmbeddedValkey

SERVERS = ("valkey", "redis")


def start_server(name: str, folder: Path) -> EmbeddedValkey:
    """Start the packaged Valkey, or the machine's own redis-server; skips the test where there is none."""
    if name == "valkey":
        server = EmbeddedValkey(folder)
    else:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("no redis-server on this machine (Debian: apt-get install redis-server)")
        server = EmbeddedValkey(folder, Path(program))
    server.start()
    return server


class ClockedClient(RedisClient):
    """A client whose scripts read the time that `set_clock` sets instead of the server's."""

    def script_text(self, name: str) -> str:
        return super().script_text(name).replace("redis.call('TIME')", "redis.call('LRANGE', 'test:clock', 0, 1)")

    def queue_time(self, pipeline: Any) -> None:
        pipeline.lrange("test:clock", 0, 1)

    def set_clock(self, milliseconds: int) -> None:
        seconds, rest = divmod(milliseconds, 1000)
        self.call(lambda server: _set_clock(server, seconds, rest * 1000))

    def empty(self) -> None:
        # Appends are not synced: the many writes of these tests could not afford it, and a SIGKILL loses nothing.
        self.call(lambda server: server.config_set("appendfsync", "no"))
        self.call(lambda server: server.flushall())


def _set_clock(server: Any, seconds: int, microseconds: int) -> None:
    with server.pipeline() as pipeline:
        pipeline.delete("test:clock").rpush("test:clock", seconds, microseconds).execute()
