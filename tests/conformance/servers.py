"""The servers that the state store must run on, and a store whose clock a test sets."""

import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from registry.state.state_store import RedisStateStore
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


class ClockedStore(RedisStateStore):
    """The state store with its own scripts, but with the time that `set_clock` says instead of the server's."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        for file in resources.files("registry.state").joinpath("scripts").iterdir():
            text = file.read_text("utf-8").replace("redis.call('TIME')", "redis.call('LRANGE', 'test:clock', 0, 1)")
            self._scripts[file.name[:-4]] = self._redis.register_script(text)

    def set_clock(self, milliseconds: int) -> None:
        seconds, rest = divmod(milliseconds, 1000)
        with self._redis.pipeline() as pipeline:
            pipeline.delete("test:clock").rpush("test:clock", seconds, rest * 1000).execute()

    def empty(self) -> None:
        # What was written survives a SIGKILL of the server without a sync, which the quantity here could not afford.
        self._redis.config_set("appendfsync", "no")
        self._redis.flushall()

    def _ask_time(self, pipeline: Any) -> None:
        pipeline.lrange("test:clock", 0, 1)
