"""Idempotency-Key against the real gateway: one thing is made however often it is asked for."""

import hashlib
import http.client
import json
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import redis

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import eventually
from registry.state.keys import idempotency_key
from tests.integration.ledger.conftest import Ledger

_SAFETENSORS = "application/vnd.safetensors"
_DOCUMENT = {"recipe": {"method": "average"}}


def _key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


def _same(first: httpx.Response, again: httpx.Response) -> None:
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")


def test_responses_of_lineages_branches_and_rollbacks_are_replayed(gateway: Gateway, books: Ledger) -> None:
    base = books.put(weights())
    for path, body in (
        ("/lineages", {"name": "again", "base": base} | _DOCUMENT),
        ("/lineages/again/branch", {"name": "limb"}),
        ("/lineages/again/rollback", {"version": "0"}),
    ):
        key = _key()
        first = gateway.http.post(path, json=body, headers=key)
        assert first.status_code == 201, first.text
        _same(first, gateway.http.post(path, json=body, headers=key))
        reordered = "{" + ",".join(f'"{name}" : {_json(value)}' for name, value in reversed(body.items())) + "}"
        headers = key | {"Content-Type": "application/json"}
        _same(first, gateway.http.post(path, content=reordered, headers=headers))
    assert books.state.versions.head("again").number == 1
    gateway.http.post("/lineages/again/rollback", json={"version": "0"}, headers=_key())
    assert books.state.versions.head("again").number == 2, "another key is another intent"


def test_a_key_is_of_one_request_alone(gateway: Gateway, books: Ledger) -> None:
    books.create("alone")
    key = _key()
    assert gateway.http.post("/lineages/alone/rollback", json={"version": "0"}, headers=key).status_code == 201
    for path, body in (
        ("/lineages/alone/rollback", {"version": "1"}),
        ("/lineages/alone/branch", {"name": "x"}),
        ("/lineages/alone/rollback?x=1", {"version": "0"}),
    ):
        response = gateway.http.post(path, json=body, headers=key)
        assert (response.status_code, response.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert books.state.versions.head("alone").number == 1


def test_a_refused_request_may_be_corrected_under_the_same_key(gateway: Gateway, books: Ledger) -> None:
    books.create("mended")
    key = _key()
    assert gateway.http.post("/lineages/mended/rollback", json={"version": "9"}, headers=key).status_code == 404
    assert gateway.http.post("/lineages/mended/rollback", json={"wrong": 1}, headers=key).status_code == 422
    assert gateway.http.post("/lineages/mended/rollback", json={"version": "0"}, headers=key).status_code == 201


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "ключ"])
def test_a_key_that_is_none_is_refused(gateway: Gateway, key: str) -> None:
    headers = [("Idempotency-Key", key.encode())]
    response = gateway.http.post("/lineages", json={}, headers=headers)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-document")


def test_quotes_around_a_key_are_not_part_of_it(gateway: Gateway, books: Ledger) -> None:
    books.create("quoted")
    first = gateway.http.post("/lineages/quoted/rollback", json={"version": "0"}, headers={"Idempotency-Key": "q-1"})
    _same(
        first,
        gateway.http.post("/lineages/quoted/rollback", json={"version": "0"}, headers={"Idempotency-Key": '"q-1"'}),
    )


def test_a_merge_is_made_once_in_each_of_its_forms(gateway: Gateway, books: Ledger) -> None:
    base, checkpoint = books.put(weights()), books.put(weights(1))
    gateway.http.post("/lineages", json={"name": "forms", "base": base} | _DOCUMENT)
    asked = {"lineage": "forms", "task": {"name": "t"}}
    parts = {"merge": (None, json.dumps(asked), "application/json"), "checkpoint": ("c", weights(1), _SAFETENSORS)}
    raw = {
        "content": weights(1),
        "params": {"lineage": "forms", "task": "t"},
        "headers": {"Content-Type": _SAFETENSORS},
    }
    for number, request in enumerate(({"json": asked | {"checkpoint": checkpoint}}, {"files": parts}, raw), 1):
        headers = request.pop("headers", {}) | _key()
        first = gateway.http.post("/merge", **request, headers=headers)
        assert first.status_code == 202, first.text
        _same(first, gateway.http.post("/merge", **request, headers=headers))
        assert len(books.reader.merges("forms")) == number


@pytest.mark.parametrize(
    "other",
    [
        {"files": {"merge": (None, '{"lineage": "strict", "task": {"name": "u"}}', "application/json")}},
        {"checkpoint": 2},
        {"calibration": 3},
    ],
    ids=["another document", "another checkpoint", "a calibration file more"],
)
def test_another_file_or_document_under_the_key_of_a_merge_is_refused(
    gateway: Gateway, books: Ledger, other: dict[str, Any]
) -> None:
    name = f"strict-{secrets.token_hex(4)}"
    gateway.http.post("/lineages", json={"name": name, "base": books.put(weights())} | _DOCUMENT)
    asked = json.dumps({"lineage": name, "task": {"name": "t"}})
    parts = {"merge": (None, asked, "application/json"), "checkpoint": ("c", weights(1), _SAFETENSORS)}
    key = _key()
    assert gateway.http.post("/merge", files=parts, headers=key).status_code == 202
    changed = {part: ("c", weights(value), _SAFETENSORS) for part, value in other.items() if part != "files"}
    response = gateway.http.post("/merge", files=parts | other.get("files", {}) | changed, headers=key)
    assert response.status_code == 422, response.text
    if "calibration" not in other:  # which this lineage has no use for, so that is said first
        assert response.json()["type"] == "/problems/idempotency-key-reused"
    assert len(books.reader.merges(name)) == 1


def test_a_file_with_a_declared_digest_is_not_sent_twice(gateway: Gateway, books: Ledger) -> None:
    gateway.http.post("/lineages", json={"name": "unsent", "base": books.put(weights())} | _DOCUMENT)
    digest = f"sha256:{hashlib.sha256(weights(1)).hexdigest()}"
    asked = json.dumps({"lineage": "unsent", "task": {"name": "t"}, "checkpoint": digest})
    key = _key()
    parts = {"merge": (None, asked, "application/json"), "checkpoint": ("c", weights(1), _SAFETENSORS)}
    first = gateway.http.post("/merge", files=parts, headers=key)
    assert first.status_code == 202, first.text
    with _begun(gateway, "/merge", key, asked) as response:
        status, headers, body = response()
    assert (status, json.loads(body)["id"], headers["idempotent-replayed"]) == (202, first.json()["id"], "true")


def test_bytes_that_are_not_those_that_the_document_promises_are_refused(gateway: Gateway, books: Ledger) -> None:
    gateway.http.post("/lineages", json={"name": "promise", "base": books.put(weights())} | _DOCUMENT)
    asked = json.dumps({"lineage": "promise", "task": {"name": "t"}, "checkpoint": f"sha256:{'0' * 64}"})
    parts = {"merge": (None, asked, "application/json"), "checkpoint": ("c", weights(1), _SAFETENSORS)}
    response = gateway.http.post("/merge", files=parts)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/digest-mismatch")


def test_while_a_request_is_under_way_its_key_is_in_use(gateway: Gateway, books: Ledger) -> None:
    gateway.http.post("/lineages", json={"name": "flight", "base": books.put(weights())} | _DOCUMENT)
    asked = json.dumps({"lineage": "flight", "task": {"name": "t"}})
    parts = {"merge": (None, asked, "application/json"), "checkpoint": ("c", weights(1), _SAFETENSORS)}
    key = _key()
    with _begun(gateway, "/merge", key, asked):
        name = idempotency_key("", hashlib.sha256(key["Idempotency-Key"].encode()).hexdigest())
        with redis.Redis.from_url(books.url) as client:
            eventually(lambda: client.exists(name), "the request is in progress", 90)
        busy = gateway.http.post("/merge", files=parts, headers=key)
        assert busy.status_code == 409
        assert busy.json()["type"] == "/problems/idempotency-key-busy"
        assert 1 <= int(busy.headers["retry-after"]) <= 30
    # The connection was cut: nothing was made, and the key is free again at once.
    done = eventually(lambda: _when(gateway.http.post("/merge", files=parts, headers=key), 202), "the key is free", 90)
    assert books.state.merges.get(done.json()["id"]).lineage == "flight"


@pytest.mark.slow
def test_a_gateway_killed_before_its_response_makes_no_second_merge(
    own_gateway: Callable[..., Gateway], books: Ledger
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # A broker that accepts and never answers holds the gateway up between the merge's record and its answer.
        first = own_gateway(
            ODEM_BROKER_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/1", ODEM_IDEMPOTENCY_LEASE_SECONDS="1.5"
        )
        first.http.post("/lineages", json={"name": "killed", "base": books.put(weights())} | _DOCUMENT)
        body = {"lineage": "killed", "task": {"name": "t"}, "checkpoint": books.put(weights(1))}
        key = _key()
        sender = threading.Thread(target=_post_and_fail, args=(first, body, key))
        sender.start()
        (made,) = eventually(lambda: books.reader.merges("killed"), "the merge is there", 90)
        first.kill()
        sender.join()
    second = own_gateway(ODEM_IDEMPOTENCY_LEASE_SECONDS="1.5")

    def again() -> httpx.Response | None:
        response = second.http.post("/merge", json=body, headers=key)
        assert response.status_code in {202, 409}, response.text
        return response if response.status_code == 202 else None

    response = eventually(again, "the mark of the dead gateway ends", 90)
    assert response.json()["id"] == made.id
    assert len(books.reader.merges("killed")) == 1
    _same_id = second.http.post("/merge", json=body, headers=key)
    assert (_same_id.json()["id"], _same_id.headers["idempotent-replayed"]) == (made.id, "true")


def _post_and_fail(stack: Gateway, body: dict[str, Any], key: dict[str, str]) -> None:
    with pytest.raises(httpx.TransportError):
        stack.http.post("/merge", json=body, headers=key)


def _when(response: httpx.Response, status: int) -> httpx.Response | None:
    return response if response.status_code == status else None


@contextmanager
def _begun(
    gateway: Gateway, path: str, headers: dict[str, str], document: str
) -> Iterator[Callable[[], tuple[int, dict[str, str], bytes]]]:
    """Send a multipart body as far as the head of its checkpoint, which is announced as a mebibyte."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=90)
    connection.putrequest("POST", path)
    kind = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(1 << 20)}
    for name, value in (headers | kind).items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(
        f'--b\r\nContent-Disposition: form-data; name="merge"\r\nContent-Type: application/json\r\n\r\n{document}\r\n'
        '--b\r\nContent-Disposition: form-data; name="checkpoint"; filename="c"\r\n\r\n'.encode()
    )

    def response() -> tuple[int, dict[str, str], bytes]:
        result = connection.getresponse()
        return result.status, {name.lower(): value for name, value in result.getheaders()}, result.read()

    try:
        yield response
    finally:
        connection.close()


def weights(value: int = 0) -> bytes:
    """A safetensors file of one float."""
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return len(header).to_bytes(8, "little") + header + value.to_bytes(4, "little")


def _json(value: Any) -> str:
    return json.dumps(value)
