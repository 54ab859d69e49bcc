"""Records are bounded: queues, task documents, the state store's memory, free disk space."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import redis

from benchmarks.harness.gateway import Gateway
from standalone.valkey import EmbeddedValkey
from tests.integration.access.gateway import merge_document, send_blob, send_lineage, send_merge

_FULL = "/problems/storage-full"


def _prepare(gateway: Gateway) -> tuple[httpx.Client, str]:
    """A client and the digest of a base; the lineage `a` exists."""
    _, client = gateway.key("admin")
    blob = send_blob(client, 1)
    send_lineage(client, "a", blob)
    return client, blob


def _additions(client: httpx.Client, blob: str) -> Iterator[httpx.Response]:
    """Every request that adds records: lineage, merge, rollback, branch."""
    yield client.post("/merge", json=merge_document("a", blob))
    yield client.post("/lineages/a/rollback", json={"version": "0"})
    yield client.post("/lineages/a/branch", json={"name": "b", "version": "0"})
    yield client.post("/lineages", json={"name": "c", "base": blob, "recipe": {"method": "average"}})


def test_a_lineage_has_no_more_unfinished_merges_than_the_limit_even_without_keys(
    own_gateway: Callable[..., Gateway],
) -> None:
    gateway = own_gateway(ODEM_AUTH="off", ODEM_MAX_QUEUED_MERGES="2")
    client = gateway.http
    blob = send_blob(client, 1)
    send_lineage(client, "a", blob)
    send_lineage(client, "b", blob)
    document, replay = merge_document("a", blob), {"Idempotency-Key": "one"}
    first = client.post("/merge", json=document, headers=replay).json()["id"]
    send_merge(client, "a", blob)
    refused = client.post("/merge", json=document, headers={"Cancel-After": "1h"})
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/quota-exceeded")
    assert "ODEM_MAX_QUEUED_MERGES" in refused.json()["detail"]
    assert client.post("/merge", json=document, headers=replay).json()["id"] == first
    send_merge(client, "b", blob)
    assert len(client.get("/merges", params={"lineage": "a"}).json()["merges"]) == 2
    assert client.post(f"/merges/{first}/cancel").status_code == 202
    send_merge(client, "a", blob)


def test_a_task_document_is_bounded(own_gateway: Callable[..., Gateway]) -> None:
    client, blob = _prepare(own_gateway(ODEM_MAX_TASK_BYTES="2048"))
    for task in (
        {"name": "t", "classnames": ["x" * 100 + str(i) for i in range(20)]},
        {"name": "t", "templates": ["{}" + "x" * 100 + str(i) for i in range(20)]},
    ):
        refused = client.post("/merge", json=merge_document("a", blob) | {"task": task})
        assert (refused.status_code, refused.json()["type"]) == (413, "/problems/too-large")
        assert "ODEM_MAX_TASK_BYTES" in refused.json()["detail"]
    assert client.get("/merges", params={"lineage": "a"}).json()["merges"] == []


@pytest.fixture
def memory(valkey: EmbeddedValkey) -> Iterator[Callable[[float], None]]:
    """Set the server's maxmemory to a multiple of what it uses."""
    with redis.Redis.from_url(valkey.url) as client:
        before = client.config_get("maxmemory")["maxmemory"]

        def limit(factor: float) -> None:
            info: Any = client.info("memory")
            client.config_set("maxmemory", int(info["used_memory"] * factor))

        yield limit
        client.config_set("maxmemory", before)


def test_no_record_is_added_while_the_state_store_is_nearly_full_and_the_rest_works(
    own_gateway: Callable[..., Gateway], memory: Callable[[float], None]
) -> None:
    gateway = own_gateway()
    client, blob = _prepare(gateway)
    merge = send_merge(client, "a", blob)
    memory(1.05)
    fresh = own_gateway()  # its first look at the memory is after the change
    _, other = fresh.key("admin")
    for response in _additions(other, blob):
        assert (response.status_code, response.json()["type"]) == (507, _FULL), response.text
        assert "ODEM_MAX_STATE_MEMORY_SHARE" in response.json()["detail"]
    assert other.get("/lineages/a").status_code == 200
    assert other.post(f"/merges/{merge}/cancel").status_code == 202
    assert other.put("/lineages/a/aliases/x", json={"version": "0"}).status_code == 200


def test_a_state_store_at_its_limit_says_so(
    own_gateway: Callable[..., Gateway], memory: Callable[[float], None]
) -> None:
    client, _ = _prepare(own_gateway())
    memory(0.5)
    refused = client.put("/lineages/a/aliases/x", json={"version": "0"})
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/store-unavailable")
    assert "maxmemory" in refused.json()["detail"]
    assert client.get("/lineages/a").status_code == 200


def test_no_record_is_added_while_the_disk_is_nearly_full(own_gateway: Callable[..., Gateway]) -> None:
    client, blob = _prepare(own_gateway())
    full = own_gateway(ODEM_MIN_FREE_BYTES=str(1 << 60))
    _, other = full.key("admin")
    for response in _additions(other, blob):
        assert (response.status_code, response.json()["type"]) == (507, _FULL), response.text
    assert {response.status_code for response in _additions(client, blob)} <= {201, 202}
