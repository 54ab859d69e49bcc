"""Rate limits and quotas: what is too much, what the headers say, and what is counted."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from benchmarks.harness.gateway import Gateway
from registry.api_key import KeyLimits
from registry.state.quotas import QuotaRepository
from registry.state.state_store import StateStore
from standalone.valkey import EmbeddedValkey
from tests.integration.access.gateway import merge_document, send_blob, send_lineage, send_merge, tiny

_JSON = {"Content-Type": "application/json"}


def _limited(gateway: Gateway, **limits: Any) -> httpx.Client:
    return gateway.key("admin", limits=KeyLimits(**limits))[1]


def test_a_burst_is_accepted_and_then_refused_with_429(gateway: Gateway) -> None:
    client = _limited(gateway, rate=0.5, burst=3)
    responses = [client.get("/lineages") for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert [response.headers["ratelimit"].partition(";t=")[0] for response in responses] == [
        f'"requests";r={left}' for left in (2, 1, 0, 0)
    ]
    assert {response.headers["ratelimit-policy"] for response in responses} == {'"requests";q=3;w=6'}
    assert 1 <= int(responses[3].headers["retry-after"]) <= 2
    assert responses[3].json()["type"] == "/problems/too-many-requests"


def test_a_request_after_retry_after_is_accepted(gateway: Gateway) -> None:
    client = _limited(gateway, rate=2, burst=1)
    assert client.get("/lineages").status_code == 200
    refused = client.get("/lineages")
    assert refused.status_code == 429
    time.sleep(int(refused.headers["retry-after"]))  # what the header promises is what is tested
    assert client.get("/lineages").status_code == 200


def test_each_key_has_a_bucket_of_its_own_and_0_means_no_limit(gateway: Gateway) -> None:
    slow, free = _limited(gateway, rate=0.1, burst=1), _limited(gateway, rate=0)
    assert [slow.get("/lineages").status_code for _ in range(2)] == [200, 429]
    responses = [free.get("/lineages") for _ in range(20)]
    assert {response.status_code for response in responses} == {200}
    assert "ratelimit" not in responses[0].headers


@pytest.fixture
def quotas(valkey: EmbeddedValkey) -> Iterator[QuotaRepository]:
    state = StateStore.open(valkey.url)
    yield state.quotas
    state.close()


def test_a_bucket_gives_no_more_than_it_has_however_many_gateways_ask(quotas: QuotaRepository) -> None:
    given = [quotas.take_tokens("key:x", 0.001, 25, 10)[0] for _ in range(4)]
    assert given == [10, 10, 5, 0]


def test_spent_bytes_can_be_given_back_and_never_pass_the_quota(quotas: QuotaRepository) -> None:
    assert quotas.spend_bytes("x", "2026-01-01", 80, 100)
    assert not quotas.spend_bytes("x", "2026-01-01", 21, 100)
    assert quotas.spend_bytes("x", "2026-01-01", -30, 100)
    assert quotas.spend_bytes("x", "2026-01-01", 50, 100)
    assert not quotas.has_bytes("x", "2026-01-01", 100)
    assert quotas.has_bytes("x", "2026-01-02", 100)


def test_a_day_s_bytes_are_refused_before_they_are_sent(gateway: Gateway) -> None:
    size = len(tiny(0))
    client = _limited(gateway, upload_bytes_per_day=2 * size + 1)
    assert client.post("/blobs", content=tiny(1)).status_code == 201
    refused = client.post("/blobs", content=tiny(2) + bytes(2))
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/quota-exceeded"
    assert 1 <= int(refused.headers["retry-after"]) <= 86_400
    # Without a length the bytes are counted as they come.
    assert client.post("/blobs", content=iter([tiny(3)])).status_code == 201
    assert client.post("/blobs", content=iter([tiny(4)])).status_code == 429
    # A document as well, which is read whole.
    assert client.post("/lineages", content=iter([b"{}"]), headers=_JSON).status_code == 429
    assert client.get("/lineages").status_code == 200


def test_an_interrupted_body_counts_the_bytes_received(gateway: Gateway) -> None:
    import socket

    from benchmarks.harness.processes import eventually

    size = len(tiny(0))
    client = _limited(gateway, upload_bytes_per_day=10 * size)
    head = (
        f"POST /blobs HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['authorization']}\r\n"
        f"Content-Length: {10 * size}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", gateway.port)) as wire:
        wire.sendall(head.encode() + tiny(0))
    eventually(lambda: client.post("/blobs", content=tiny(5)).status_code == 201, "what did not come is given back")


def test_a_key_has_no_more_merges_queued_than_it_may(gateway: Gateway) -> None:
    _, admin = gateway.key("admin")
    blob = send_blob(admin, 7)
    send_lineage(admin, "queue", blob)
    client = _limited(gateway, queued_merges=2)
    first, _ = send_merge(client, "queue", blob), send_merge(client, "queue", blob)
    refused = client.post("/merge", json=merge_document("queue", blob))
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/quota-exceeded")
    assert "retry-after" in refused.headers
    send_merge(admin, "queue", blob)
    assert client.post(f"/merges/{first}/cancel").status_code == 202
    send_merge(client, "queue", blob)
    assert client.post("/merge", json=merge_document("queue", blob)).status_code == 429


def test_an_exhausted_merge_quota_does_not_prevent_a_replayed_response(gateway: Gateway) -> None:
    _, admin = gateway.key("admin")
    blob = send_blob(admin, 8)
    send_lineage(admin, "full", blob)
    client, document = _limited(gateway, queued_merges=1), merge_document("full", blob)
    first, again, other = (
        client.post("/merge", json=document, headers={"Idempotency-Key": key}) for key in ("one", "one", "two")
    )
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 429)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    # What was refused has made nothing, and may be sent again under its key.
    assert client.post(f"/merges/{first.json()['id']}/cancel").status_code == 202
    assert client.post("/merge", json=document, headers={"Idempotency-Key": "two"}).status_code == 202


def test_without_keys_an_address_can_be_limited(own_gateway: Callable[..., Gateway]) -> None:
    gateway = own_gateway(ODEM_AUTH="off", ODEM_ADDRESS_RATE_LIMIT="0.25")
    client = gateway.client(None)
    assert [client.get("/lineages").status_code for _ in range(2)] == [200, 429]
    assert re.fullmatch(r'"requests";q=1;w=4', client.get("/lineages").headers["ratelimit-policy"])
    assert client.get("/healthz").status_code == 200
