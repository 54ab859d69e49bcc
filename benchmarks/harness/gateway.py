"""A gateway as its owner starts it, `python -m service`, over a real state store."""

import os
import sys
from pathlib import Path
from typing import Any, Protocol, Self

import httpx
import psutil

from benchmarks.harness.processes import ServerProcess, free_port, responds
from registry.api_key import ApiKey, Scope, new_key
from registry.state.state_store import StateStore


class StateServer(Protocol):
    """A running server for the state store and the broker."""

    @property
    def url(self) -> str:
        """URL of the state store."""

    @property
    def broker_url(self) -> str:
        """URL of the broker."""


class Gateway:
    """A gateway process, the state store that it uses, and clients. `settings` are environment variables.

    It may be killed and started again. The log lies beside the data folder.
    """

    def __init__(self, server: StateServer, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.state = StateStore.open(server.url)
        self.http = self._client({})
        self._clients = [self.http]
        environment = {
            "ODEM_REDIS_URL": server.url,
            "ODEM_BROKER_URL": server.broker_url,
            "ODEM_DATA_DIR": str(data),
            "ODEM_PORT": str(self.port),
            **settings,
        }
        log = data.with_name(f"{data.name}-{self.port}.log")
        self._server = ServerProcess((sys.executable, "-m", "service"), log, environment)

    def start(self, core: int | None = None) -> Self:
        """Start it and wait until /readyz responds with 200. `core`: run it on this core of the machine only."""
        self.spawn()
        if core is not None:
            # Threads inherit it, and so far there is only the first.
            os.sched_setaffinity(self._server.pid, {core})
        self._server.wait_until(lambda: responds(f"{self.url}/readyz"), "/readyz")
        return self

    def spawn(self) -> None:
        """Start it without waiting until it is ready."""
        self._server.spawn()

    @property
    def log(self) -> Path:
        """The log file."""
        return self._server.log

    @property
    def text(self) -> str:
        """The whole log."""
        return self._server.text

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._server.running

    @property
    def process(self) -> psutil.Process:
        """The process, for its memory and its times."""
        return self._server.process

    def kill(self) -> None:
        """Send SIGKILL, as a crash would."""
        self._server.kill()

    def stop(self) -> int:
        """Send SIGTERM; returns the exit status."""
        return self._server.stop()

    def close(self) -> None:
        """Kill it and close the clients."""
        for client in self._clients:
            client.close()
        self.kill()
        self.state.close()

    def client(self, token: str | None) -> httpx.Client:
        """A client that sends an API key; `http` is one that sends none."""
        self._clients.append(self._client({"Authorization": f"Bearer {token}"} if token else {}))
        return self._clients[-1]

    def _client(self, headers: dict[str, str]) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=90.0)

    def key(self, scope: str, *lineages: str, **more: Any) -> tuple[ApiKey, httpx.Client]:
        """A new API key, limited to lineages if any are named, and a client that sends it."""
        key, token = new_key(f"{scope} of a test", Scope(scope), lineages or None, **more)
        self.state.api_keys.add(key)
        return key, self.client(token)
