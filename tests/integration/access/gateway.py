"""Gateways with authentication, and the requests that tests of access send."""

import json
from pathlib import Path
from typing import Any

import httpx

from benchmarks.harness.gateway import Gateway, StateServer

TINY = (
    len(header := json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()).to_bytes(
        8, "little"
    )
    + header
)


def tiny(value: int) -> bytes:
    """A safetensors file of one float whose bytes are those of an integer."""
    return TINY + value.to_bytes(4, "little")


def gateway_with_keys(server: StateServer, data: Path, **settings: str) -> Gateway:
    """A gateway that requires API keys; it is not started."""
    # A stream of events ends soon, as every other response does.
    defaults = {"ODEM_AUTH": "on", "ODEM_EVENTS_SECONDS": "0.2", "ODEM_SHUTDOWN_SECONDS": "1"}
    return Gateway(server, data, **(defaults | settings))


def send_blob(client: httpx.Client, value: int) -> str:
    response = client.post("/blobs", content=tiny(value))
    assert response.status_code == 201, response.text
    return str(response.json()["digest"])


def send_lineage(client: httpx.Client, name: str, base: str) -> None:
    response = client.post("/lineages", json={"name": name, "base": base, "recipe": {"method": "average"}})
    assert response.status_code == 201, response.text


def merge_document(lineage: str, checkpoint: str) -> dict[str, Any]:
    return {"lineage": lineage, "task": {"name": "t"}, "checkpoint": checkpoint}


def send_merge(client: httpx.Client, lineage: str, checkpoint: str) -> str:
    response = client.post("/merge", json=merge_document(lineage, checkpoint))
    assert response.status_code == 202, response.text
    return str(response.json()["id"])
