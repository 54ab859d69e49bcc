"""The audit log: every change and every refusal, told from the request's id to the one who did it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import ROOT, eventually
from registry.audit import AuditEntry
from registry.base_record import now
from tests.integration.access.gateway import send_blob, send_lineage, send_merge


def _changes(gateway: Gateway) -> list[AuditEntry]:
    return list(gateway.state.audit.read(refused=False))


def _refusal(gateway: Gateway, request_id: str) -> AuditEntry:
    def look() -> AuditEntry | None:
        entries = gateway.state.audit.read(refused=True)
        return next((entry for entry in entries if entry.request_id == request_id), None)

    result = eventually(look, f"a refusal of {request_id}")
    assert result is not None
    return result


def test_a_change_is_in_the_audit_log_before_its_response(gateway: Gateway) -> None:
    key, client = gateway.key("admin")
    blob = send_blob(client, 1)
    send_lineage(client, "told", blob)
    merge = send_merge(client, "told", blob)
    response = client.put("/lineages/told/aliases/x", json={"version": "9"}, headers={"X-Request-Id": "my-run.7"})
    assert (response.status_code, response.headers["x-request-id"]) == (404, "my-run.7")
    entries = _changes(gateway)[:4]
    assert [(entry.action, entry.thing, entry.status) for entry in reversed(entries)] == [
        ("createBlob", f"/blobs/{blob}", 201),
        ("createLineage", "/lineages/told", 201),
        ("createMerge", f"/merges/{merge}", 202),
        ("putAlias", "/lineages/told/aliases/x", 404),
    ]
    assert {(entry.key, entry.name, entry.address) for entry in entries} == {(key.id, key.name, "127.0.0.1")}
    assert entries[0].request_id == "my-run.7"


def test_reading_is_not_logged(gateway: Gateway) -> None:
    _, client = gateway.key("read")
    before = len(_changes(gateway))
    assert client.get("/lineages").status_code == 200
    assert client.get("/lineages/none").status_code == 404
    assert len(_changes(gateway)) == before


def test_every_refusal_is_logged(gateway: Gateway) -> None:
    key, limited = gateway.key("read", "mine")
    for name, client, method, path, status, who in (
        ("r1", gateway.client(None), "GET", "/lineages", 401, None),
        ("r2", gateway.client("nonsense"), "POST", "/blobs", 401, None),
        ("r3", limited, "POST", "/blobs", 403, key.id),
        ("r4", limited, "GET", "/lineages/told", 404, key.id),
        ("r5", limited, "GET", "/models/told@0", 404, key.id),
    ):
        assert client.request(method, path, headers={"X-Request-Id": name}).status_code == status
        entry = _refusal(gateway, name)
        assert (entry.status, entry.thing, entry.key) == (status, path, who)


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "ü", "a;b"])
def test_a_request_id_that_is_not_well_formed_is_replaced(gateway: Gateway, sent: str) -> None:
    response = gateway.client(None).get("/healthz", headers={"X-Request-Id": sent.encode()})
    assert response.headers["x-request-id"].startswith("req_")


def test_the_gateway_s_log_names_the_request(gateway: Gateway) -> None:
    response = gateway.client(None).post("/blobs")
    eventually(lambda: response.headers["x-request-id"] in gateway.text, "the request's id in the gateway's log")


def test_the_log_is_bounded_and_strangers_push_nothing_out(own_gateway: Callable[..., Gateway]) -> None:
    gateway = own_gateway(ODEM_AUDIT_ENTRIES="100")
    _, admin = gateway.key("admin")
    send_blob(admin, 1)
    stranger = gateway.client(None)
    for number in range(400):
        stranger.get("/lineages", headers={"X-Request-Id": f"s{number}"})
    _refusal(gateway, "s399")
    # The server trims whole nodes of its stream: of 100 entries each.
    assert len(list(gateway.state.audit.read(refused=True))) <= 200
    assert [entry.action for entry in _changes(gateway)] == ["createBlob"]


def test_the_owner_s_command_filters(gateway: Gateway, valkey_server: Any) -> None:
    key, client = gateway.key("merge")
    client.post("/blobs", content=b"nothing", headers={"X-Request-Id": "cli-1"})
    client.post("/merges/none/cancel", headers={"X-Request-Id": "cli-2"})

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "registry.admin", "audit", *arguments]
        environment = {**os.environ, "ODEM_REDIS_URL": valkey_server.url}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    lines = run("--key", key.id, "--json").splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == ["cli-1", "cli-2"]
    assert [json.loads(line)["action"] for line in run("--key", key.id, "--thing", "none", "--json").splitlines()] == [
        "cancelMerge"
    ]
    assert f"404  cancelMerge  /merges/none/cancel  {key.id} (merge of a test)" in run("--key", key.id, "--limit", "1")


def test_a_path_forges_no_line_of_the_audit_log_and_no_line_of_the_access_log(gateway: Gateway) -> None:
    _, client = gateway.key("admin")
    forged = "2026-01-01 00:00:00Z  201  rollBack  forged"
    path = f"/lineages/a%0A{quote(forged)}%1B%5B31m%C2%9B%E2%80%A8/rollback"
    response = client.post(path, json={"version": "0"}, headers={"X-Request-Id": "forging.1"})
    assert response.status_code == 404
    entry = next(entry for entry in _changes(gateway) if entry.request_id == "forging.1")
    assert entry.thing.isprintable()
    assert f"a%0A{forged}%1B[31m%C2%9B%E2%80%A8/rollback" in entry.thing
    assert not [line for line in gateway.text.splitlines() if line.startswith("2026-01-01")]
    assert "\x1b" not in gateway.text


def test_an_entry_of_an_earlier_release_is_escaped_when_it_is_read(gateway: Gateway) -> None:
    entry = AuditEntry(
        time=now(), key=None, name=None, address="", action="x", thing="t", status=404, request_id="old.1"
    )
    old = entry.model_copy(update={"thing": "/lineages/a\nforged\x1b[31m"})
    gateway.state.audit.append([old], refused=False, limit=1000)
    assert _changes(gateway)[0].thing == "/lineages/a%0Aforged%1B[31m"


def test_a_forwarded_address_is_believed_of_a_trusted_proxy_alone(own_gateway: Callable[..., Gateway]) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    for trusted, address in (("", "127.0.0.1"), ("203.0.113.0/24", "127.0.0.1"), ("127.0.0.1", "203.0.113.9")):
        gateway = own_gateway(ODEM_TRUSTED_PROXIES=trusted)
        _, client = gateway.key("admin")
        client.post("/lineages/none/rollback", json={"version": "0"}, headers=forwarded)
        assert _changes(gateway)[0].address == address, trusted
        gateway.stop()
