"""Prefer: wait and Cancel-After against the real gateway."""

import secrets
import threading
import time
from typing import Any

import httpx
import pytest

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import eventually
from registry.merge import MergeState, Progress
from tests.integration.ledger.conftest import Ledger
from tests.integration.product.test_idempotency import weights


@pytest.fixture
def lineage(gateway: Gateway, books: Ledger) -> str:
    name = f"wait-{secrets.token_hex(4)}"
    body = {"name": name, "base": books.put(weights()), "recipe": {"method": "average"}}
    assert gateway.http.post("/lineages", json=body).status_code == 201
    return name


def _document(books: Ledger, lineage: str) -> dict[str, Any]:
    return {"lineage": lineage, "task": {"name": "t"}, "checkpoint": books.put(weights(1))}


def _do_the_next(books: Ledger, lineage: str, state: MergeState) -> None:
    """Be the worker of the lineage's first merge, as soon as there is one."""
    claim = eventually(lambda: books.state.claims.claim(lineage, 60_000, 3), "a merge to claim", 90)
    books.state.claims.end(claim, state, None)


@pytest.mark.parametrize("state", [MergeState.FAILED, MergeState.REJECTED])
def test_waiting_returns_the_finished_merge(gateway: Gateway, books: Ledger, lineage: str, state: MergeState) -> None:
    worker = threading.Thread(target=_do_the_next, args=(books, lineage, state))
    worker.start()
    response = gateway.http.post("/merge", json=_document(books, lineage), headers={"Prefer": "wait=25"})
    worker.join()
    assert (response.status_code, response.json()["state"]) == (200, state)
    assert response.headers["preference-applied"] == "wait=25"
    assert "retry-after" not in response.headers
    again = gateway.http.get(response.headers["location"], headers={"Prefer": "wait=25"})
    assert (again.json()["state"], again.elapsed.total_seconds() < 10) == (state, True)


def test_waiting_returns_the_unfinished_merge_at_the_timeout(gateway: Gateway, books: Ledger, lineage: str) -> None:
    began = time.monotonic()
    response = gateway.http.post("/merge", json=_document(books, lineage), headers={"Prefer": "respond-async, wait=1"})
    assert time.monotonic() - began >= 1
    assert (response.status_code, response.json()["state"]) == (202, "queued")
    assert (response.headers["preference-applied"], response.headers["retry-after"]) == ("wait=1", "1")
    result = gateway.http.get(response.headers["location"])
    assert ("preference-applied" in result.headers, result.headers["retry-after"]) == (False, "1")


@pytest.mark.parametrize("prefer", ["", "wait", "wait=", "wait=-1", "wait=1e9", "wait=x", "return=minimal", "wait=0"])
def test_a_preference_that_is_not_understood_is_left_out(
    gateway: Gateway, books: Ledger, lineage: str, prefer: str
) -> None:
    response = gateway.http.post("/merge", json=_document(books, lineage), headers={"Prefer": prefer})
    assert (response.status_code, "preference-applied" in response.headers) == (202, False)


def test_a_wait_is_bounded(own_gateway: Any, books: Ledger, lineage: str) -> None:
    stack = own_gateway(ODEM_MAX_WAIT_SECONDS="1")
    response = stack.http.post("/merge", json=_document(books, lineage), headers={"Prefer": "wait=600"})
    assert (response.status_code, response.headers["preference-applied"]) == (202, "wait=1")


def test_a_queued_merge_is_cancelled_when_its_time_is_over(gateway: Gateway, books: Ledger, lineage: str) -> None:
    headers = {"Cancel-After": "1s", "Prefer": "wait=20"}
    response = gateway.http.post("/merge", json=_document(books, lineage), headers=headers)
    assert (response.status_code, response.json()["state"]) == (200, "cancelled"), response.text
    assert response.json()["cancel_at"] is not None
    assert books.state.claims.claim(lineage, 60_000, 3) is None


def test_a_running_merge_is_cancelled_at_its_deadline(gateway: Gateway, books: Ledger, lineage: str) -> None:
    gateway.http.post("/merge", json=_document(books, lineage), headers={"Cancel-After": "2"})
    claim = books.state.claims.claim(lineage, 60_000, 3)
    assert claim is not None
    eventually(lambda: books.state.claims.renew(claim, 60_000, Progress(phase="merging")), "the worker is told", 90)


def test_no_worker_begins_a_merge_whose_time_is_over(books: Ledger, lineage: str) -> None:
    """Even when neither a gateway nor a sweep has looked since."""
    merge = books.enqueue(lineage)
    from registry.base_record import now

    late = merge.model_copy(update={"id": f"mrg_{secrets.token_hex(12)}", "cancel_at": now()})
    books.state.merges.request_cancel(merge.id)
    books.state.merges.enqueue(late)
    assert books.state.claims.claim(lineage, 60_000, 3) is None
    assert books.state.merges.get(late.id).state == "cancelled"


@pytest.mark.parametrize("duration", ["", "0", "0s", "-1", "x", "1d", "5 m", "721h", "1m1h", "٣s"])
def test_a_duration_that_is_none_is_refused(gateway: Gateway, books: Ledger, lineage: str, duration: str) -> None:
    headers = [("Cancel-After", duration.encode())]
    response = gateway.http.post("/merge", json=_document(books, lineage), headers=headers)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-document")
    assert books.reader.merges(lineage) == ()


def test_a_hundred_who_wait_take_no_thread_each(gateway: Gateway, books: Ledger, lineage: str) -> None:
    merge = books.enqueue(lineage)
    before = gateway.process.num_threads()
    with httpx.Client(base_url=gateway.url, limits=httpx.Limits(max_connections=None), trust_env=False) as client:
        responses: list[httpx.Response] = []

        def wait() -> None:
            responses.append(client.get(f"/merges/{merge.id}", headers={"Prefer": "wait=30"}, timeout=60))

        waiting = [threading.Thread(target=wait) for _ in range(100)]
        for thread in waiting:
            thread.start()
        limit = max(gateway.process.num_threads() for _ in range(50))
        books.state.merges.request_cancel(merge.id)
        for thread in waiting:
            thread.join()
    assert [response.json()["state"] for response in responses] == ["cancelled"] * 100
    assert limit - before < 20
