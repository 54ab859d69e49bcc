"""One gateway as its owner starts it: `python -m service`, a process over a real Valkey."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from registry.api_key import ApiKey, Scope, new_key
from registry.state.state_store import StateStore
from standalone.pdeathsig import command_with_pdeathsig
from standalone.valkey import EmbeddedValkey
from tests.acceptance.stack import free_port

ROOT = Path(__file__).parents[3]
TINY = (
    len(header := json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()).to_bytes(
        8, "little"
    )
    + header
)
T = TypeVar("T")


def tiny(value: int) -> bytes:
    """A safetensors file of one float whose bytes are those of an integer."""
    return TINY + value.to_bytes(4, "little")


def eventually(condition: Callable[[], T], what: str, deadline: float = 90.0) -> T:
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {deadline:g} s: {what}"
        time.sleep(0.02)
    return found


class Gateway:
    """A gateway process, the stores that it works on, and clients with keys."""

    def __init__(self, valkey: EmbeddedValkey, data: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.state = StateStore.open(valkey.url)
        self._log = data.with_name(f"{data.name}-{self.port}.log")
        self._clients: list[httpx.Client] = []
        self._environment = {
            **os.environ,
            "ODEM_REDIS_URL": valkey.url,
            "ODEM_BROKER_URL": valkey.broker_url,
            "ODEM_DATA_DIR": str(data),
            "ODEM_EVENTS_SECONDS": "0.2",  # a stream of events is an answer like others, only longer
            "ODEM_PORT": str(self.port),
            "ODEM_AUTH": "on",
            "ODEM_SHUTDOWN_SECONDS": "1",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command_with_pdeathsig((sys.executable, "-m", "service")),
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._ready, "/readyz")
        return self

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.text
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200
        return False

    @property
    def text(self) -> str:
        """Everything that the gateway has said."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to end; returns the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(90)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self.state.close()

    def client(self, token: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        made = httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=90.0)
        self._clients.append(made)
        return made

    def key(self, scope: str, *lineages: str, **more: Any) -> tuple[ApiKey, httpx.Client]:
        """A new key, limited to lineages if any are named, and a client that has it."""
        key, token = new_key(f"{scope} of a test", Scope(scope), lineages or None, **more)
        self.state.api_keys.add(key)
        return key, self.client(token)


def send_blob(client: httpx.Client, value: int) -> str:
    answer = client.post("/blobs", content=tiny(value))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["digest"])


def send_lineage(client: httpx.Client, name: str, base: str) -> None:
    answer = client.post("/lineages", json={"name": name, "base": base, "recipe": {"method": "average"}})
    assert answer.status_code == 201, answer.text


def merge_document(lineage: str, checkpoint: str) -> dict[str, Any]:
    return {"lineage": lineage, "task": {"name": "t"}, "checkpoint": checkpoint}


def send_merge(client: httpx.Client, lineage: str, checkpoint: str) -> str:
    answer = client.post("/merge", json=merge_document(lineage, checkpoint))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])
