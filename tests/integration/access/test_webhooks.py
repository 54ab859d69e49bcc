"""Webhooks: told of every end of a merge, signed, tried again, given up, and never led into a private network."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import eventually
from registry.base_record import now
from registry.merge import MergeProblem, MergeState
from registry.version import Version
from tests.integration.access.gateway import send_blob, send_lineage, send_merge

_FAST = {
    "ODEM_WEBHOOK_HTTP": "on",
    "ODEM_WEBHOOK_NETWORKS": "127.0.0.0/8",
    "ODEM_WEBHOOK_RETRY_SECONDS": "0.05",
    "ODEM_WEBHOOK_POLL_SECONDS": "0.05",
    "ODEM_WEBHOOK_TIMEOUT_SECONDS": "2",
}


class Receiver(ThreadingHTTPServer):
    """Records requests; responds with the statuses in `statuses`, then with 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.location = ""
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Stack:
    """A gateway with the lineage `a`, and merges that a line of Python ends as a worker would."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.client = gateway.key("admin")[1]
        self.blob = send_blob(self.client, 1)
        send_lineage(self.client, "a", self.blob)

    def hook(self, url: str) -> dict[str, Any]:
        response = self.client.post("/lineages/a/webhooks", json={"url": url})
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    def merge(self, end: str) -> str:
        merge = send_merge(self.client, "a", self.blob)
        state = self.gateway.state
        if end == "cancelled":
            assert self.client.post(f"/merges/{merge}/cancel").status_code == 202
            return merge
        if end == "lost":
            assert state.claims.claim("a", 1, 1) is not None
            eventually(
                lambda: state.claims.claim("a", 60_000, 1) is None and state.merges.get(merge).ended_at, "given up"
            )
            return merge
        claim = state.claims.claim("a", 60_000, 3)
        assert claim is not None
        if end == "cancelled while running":
            state.merges.request_cancel(merge)
            state.claims.end(claim, MergeState.CANCELLED, None)
        elif end == "succeeded":
            number = state.versions.head("a").number + 1
            state.claims.commit(claim, Version(lineage="a", number=number, weights=self.blob, size=1, created_at=now()))
        else:
            problem = MergeProblem(type="/problems/x", title="x", detail="y")
            state.claims.end(claim, MergeState(end), problem if end == "failed" else None)
        return merge

    def log(self, hook: dict[str, Any]) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = self.client.get(f"/lineages/a/webhooks/{hook['id']}/deliveries").json()[
            "deliveries"
        ]
        return result


@pytest.fixture
def stack(own_gateway: Callable[..., Gateway]) -> Stack:
    return Stack(own_gateway(**_FAST))


_ENDS = ["succeeded", "rejected", "failed", "cancelled", "cancelled while running", "lost"]


def test_every_outcome_is_delivered_with_a_signature(stack: Stack, receiver: Receiver) -> None:
    hook = stack.hook(receiver.url)
    merges = {stack.merge(end): end for end in _ENDS}
    eventually(lambda: len(receiver.got) == len(_ENDS), "a message for each end")
    verifier = Verifier(hook["secret"])
    reported = {}
    for headers, body in receiver.got:
        message = verifier.verify(body, headers)
        reported[message["data"]["merge"]] = message
        assert headers["webhook-id"].startswith("msg_")
        assert headers["content-type"] == "application/json"
    states = {"cancelled while running": "cancelled", "lost": "failed"}
    for merge, end in merges.items():
        assert reported[merge]["type"] == f"merge.{states.get(end, end)}"
        assert reported[merge]["data"]["lineage"] == "a"
    done = next(merge for merge, end in merges.items() if end == "succeeded")
    assert reported[done]["data"]["version"] == "a@1"
    eventually(lambda: len(stack.log(hook)) == len(_ENDS), "a line in the log for each")
    assert {(line["status"], line["error"]) for line in stack.log(hook)} == {(204, None)}


def test_a_failed_delivery_is_tried_again_with_the_same_id(stack: Stack, receiver: Receiver) -> None:
    hook = stack.hook(receiver.url)
    receiver.statuses = [500, 302, 429]
    receiver.location = "http://127.0.0.1:1/elsewhere"
    stack.merge("cancelled")
    eventually(lambda: len(receiver.got) == 4, "three failures and a success")
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    eventually(lambda: len(stack.log(hook)) == 4, "four lines in the log")
    newest = stack.log(hook)
    assert [line["status"] for line in reversed(newest)] == [500, 302, 429, 204]
    assert [line["next_at"] is None for line in reversed(newest)] == [False, False, False, True]


def test_a_message_is_given_up_and_a_webhook_that_fails_for_long_disabled(
    own_gateway: Callable[..., Gateway], receiver: Receiver
) -> None:
    stack = Stack(own_gateway(**_FAST, ODEM_WEBHOOK_ATTEMPTS="3", ODEM_WEBHOOK_DISABLE_SECONDS="0.1"))
    hook = stack.hook(receiver.url)
    position = f"/lineages/a/webhooks/{hook['id']}"
    receiver.statuses = [500] * 3
    stack.merge("cancelled")
    eventually(lambda: stack.client.get(position).json()["disabled_at"], "disabled")
    stack.merge("cancelled")
    assert len(receiver.got) <= 3
    receiver.statuses = []
    before = len(receiver.got)
    assert stack.client.post(f"{position}/test").json()["status"] == 204
    assert json.loads(receiver.got[before][1])["type"] == "webhook.test"
    assert stack.client.get(position).json()["disabled_at"] is None
    stack.merge("cancelled")
    eventually(lambda: len(receiver.got) == before + 2, "the deliveries are repeated")


def test_a_receiver_that_returns_410_is_disabled_at_once(stack: Stack, receiver: Receiver) -> None:
    hook = stack.hook(receiver.url)
    receiver.statuses = [410]
    stack.merge("cancelled")
    eventually(lambda: stack.client.get(f"/lineages/a/webhooks/{hook['id']}").json()["disabled_at"], "disabled")
    assert len(receiver.got) == 1


def test_outcomes_without_a_running_gateway_are_delivered_by_the_next_one(
    own_gateway: Callable[..., Gateway], receiver: Receiver
) -> None:
    first = own_gateway(**_FAST)
    stack = Stack(first)
    stack.hook(receiver.url)
    send_merge(stack.client, "a", stack.blob)
    first.kill()
    claim = first.state.claims.claim("a", 60_000, 3)
    assert claim is not None
    first.state.claims.end(claim, MergeState.REJECTED, None)
    assert receiver.got == []
    own_gateway(**_FAST)
    eventually(lambda: len(receiver.got) == 1, "told by the second gateway")


def test_two_gateways_tell_each_end_once(own_gateway: Callable[..., Gateway], receiver: Receiver) -> None:
    stack = Stack(own_gateway(**_FAST))
    own_gateway(**_FAST)
    hook = stack.hook(receiver.url)
    for _ in range(20):
        stack.merge("cancelled")
    eventually(lambda: len(stack.log(hook)) == 20, "all are settled")
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == len(receiver.got) == 20


def test_a_deleted_webhook_receives_nothing(stack: Stack, receiver: Receiver) -> None:
    hook = stack.hook(receiver.url)
    other = stack.hook(receiver.url)
    assert stack.client.delete(f"/lineages/a/webhooks/{hook['id']}").status_code == 204
    assert [item["id"] for item in stack.client.get("/lineages/a/webhooks").json()["webhooks"]] == [other["id"]]
    stack.merge("cancelled")
    eventually(lambda: stack.log(other), "the other one is told")
    assert len(receiver.got) == 1


def test_the_secret_is_shown_once(stack: Stack, receiver: Receiver) -> None:
    hook = stack.hook(receiver.url)
    assert hook["secret"].startswith("whsec_")
    assert "secret" not in stack.client.get(f"/lineages/a/webhooks/{hook['id']}").text
    assert "secret" not in stack.client.get("/lineages/a/webhooks").text


_NO_URL = [
    "ftp://example.com/",
    "https://",
    "https://user:password@example.com/",
    "https://example.com:99999/",
    "https://example.com/#x",
    "https://exa mple.com/",
    "https://10.0.0.1/",
    "https://127.0.0.2:8000/",
    "https://169.254.169.254/latest/meta-data/",
    "https://224.0.0.1/",
    "https://[::1]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[2002:a00:1::]/",
]


@pytest.mark.parametrize("url", [*_NO_URL, "http://example.com/"])
def test_a_url_that_leads_inwards_is_refused_at_once(gateway: Gateway, url: str) -> None:
    client = _lineage_of(gateway)
    response = client.post("/lineages/inward/webhooks", json={"url": url})
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-document")


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "no-such-host.invalid"])
def test_a_name_that_leads_inwards_is_found_out_when_it_is_resolved(
    gateway: Gateway, receiver: Receiver, host: str
) -> None:
    client = _lineage_of(gateway)
    url = f"https://{host}:{receiver.server_port}/"
    hook = client.post("/lineages/inward/webhooks", json={"url": url}).json()
    came = client.post(f"/lineages/inward/webhooks/{hook['id']}/test").json()
    assert came["status"] is None
    assert "no public address" in came["error"]
    assert receiver.got == []
    client.delete(f"/lineages/inward/webhooks/{hook['id']}")


def _lineage_of(gateway: Gateway) -> httpx.Client:
    """A client of a gateway that allows nothing, with the lineage `inward`."""
    client = gateway.key("admin")[1]
    send_lineage(client, "inward", send_blob(client, 1))
    return client


def test_a_lineage_has_no_more_webhooks_than_it_may(own_gateway: Callable[..., Gateway], receiver: Receiver) -> None:
    stack = Stack(own_gateway(**_FAST, ODEM_WEBHOOKS_PER_LINEAGE="1"))
    stack.hook(receiver.url)
    response = stack.client.post("/lineages/a/webhooks", json={"url": receiver.url})
    assert (response.status_code, response.json()["type"]) == (409, "/problems/conflict")


def test_a_slow_receiver_of_one_lineage_does_not_keep_another_waiting(
    own_gateway: Callable[..., Gateway], receiver: Receiver
) -> None:
    stack = Stack(own_gateway(**_FAST | {"ODEM_WEBHOOK_TIMEOUT_SECONDS": "20"}))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)  # accepts connections, never responds
        stack.hook(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        for _ in range(20):
            stack.merge("cancelled")
        send_lineage(stack.client, "b", stack.blob)
        assert stack.client.post("/lineages/b/webhooks", json={"url": receiver.url}).status_code == 201
        merge = send_merge(stack.client, "b", stack.blob)
        stack.client.post(f"/merges/{merge}/cancel")
        eventually(lambda: receiver.got, "the other lineage's receiver is told", 10.0)
