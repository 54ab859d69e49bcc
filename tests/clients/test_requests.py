"""How the client asks: again when that may help, under one key, and with errors that say what happened."""

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from odem_client import (
    AsyncOdem,
    Conflict,
    Invalid,
    MergeCancelled,
    NotFound,
    Odem,
    Retries,
    TooMany,
    Unavailable,
    Unreachable,
    WaitTimeout,
)
from odem_client.retries import seconds

Response = tuple[int, dict[str, str], bytes]
_LINEAGES: Response = (200, {}, b'{"lineages": [], "next": null}')
_PROBLEM = json.dumps({"type": "/problems/overloaded", "title": "Busy", "status": 503, "detail": "Later."}).encode()
_BUSY: Response = (503, {"Retry-After": "0"}, _PROBLEM)
_FAST = Retries(attempts=3, first=0.01)


class Stack:
    """A server that gives the responses in `responses`, the last one repeatedly, and records the keys of requests."""

    def __init__(self) -> None:
        self.responses: list[Response] = []
        self.keys: list[str | None] = []
        stack = self

        class Handler(BaseHTTPRequestHandler):
            def _response(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                stack.keys.append(self.headers.get("Idempotency-Key"))
                status, headers, body = stack.responses.pop(0) if len(stack.responses) > 1 else stack.responses[0]
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _response  # noqa: N815

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def stack() -> Iterator[Stack]:
    made = Stack()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def _sync(stack: Stack) -> list[object]:
    with Odem(stack.url, retries=_FAST) as odem:
        return list(odem.lineages())


def _async(stack: Stack) -> list[object]:
    async def ask() -> list[object]:
        async with AsyncOdem(stack.url, retries=_FAST) as odem:
            return list(await odem.lineages())

    return asyncio.run(ask())


both = pytest.mark.parametrize("ask", [_sync, _async])


@both
def test_a_request_to_a_busy_service_is_retried(stack: Stack, ask: Callable[[Stack], list[object]]) -> None:
    stack.responses = [_BUSY, _BUSY, _LINEAGES]
    assert ask(stack) == []
    assert len(stack.keys) == 3


@both
def test_the_last_refusal_raises_with_its_problem(stack: Stack, ask: Callable[[Stack], list[object]]) -> None:
    stack.responses = [_BUSY]
    with pytest.raises(Unavailable, match="Later") as raised:
        ask(stack)
    assert (raised.value.status, raised.value.type, raised.value.problem.title) == (503, "overloaded", "Busy")
    assert len(stack.keys) == _FAST.attempts


@both
def test_a_wait_beyond_patience_is_not_waited_for(stack: Stack, ask: Callable[[Stack], list[object]]) -> None:
    stack.responses = [(429, {"Retry-After": "3600"}, b"")]
    with pytest.raises(TooMany):
        ask(stack)
    assert len(stack.keys) == 1


@both
def test_a_service_that_does_not_listen_is_reported_unreachable(
    stack: Stack, ask: Callable[[Stack], list[object]]
) -> None:
    stack.url = "http://127.0.0.1:1"
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
        ask(stack)


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (409, Conflict), (422, Invalid), (500, Unavailable)])
def test_a_permanent_error_is_not_retried(stack: Stack, status: int, kind: type[Exception]) -> None:
    stack.responses = [(status, {}, b"<html>a proxy's words</html>")]
    with pytest.raises(kind, match="a proxy's words"):
        _sync(stack)
    assert len(stack.keys) == 1


def test_a_post_that_is_sent_again_keeps_its_key_and_another_one_has_its_own(stack: Stack) -> None:
    busy = (409, {"Retry-After": "0"}, b"")
    stack.responses = [_BUSY, busy, (404, {}, b"")]
    with Odem(stack.url, retries=_FAST) as odem:
        for _ in range(2):
            with pytest.raises(NotFound):
                odem.rollback("default", "1")
    first, again, then, other = stack.keys
    assert first
    assert first == again == then
    assert other not in {None, first}


@pytest.mark.parametrize(("text", "value"), [("7", 7.0), ("Thu, 01 Jan 2015 00:00:00 GMT", 0.0), ("soon", None)])
def test_retry_after_is_read_as_seconds_or_a_date(text: str, value: float | None) -> None:
    assert seconds(text) == value


def test_waits_grow_differ_and_end() -> None:
    retries = Retries(attempts=5, first=1.0, longest=3.0)
    waits = [[retries.wait(attempt) or 0.0 for attempt in range(1, 5)] for _ in range(50)]
    assert all(wait <= bound for result in waits for wait, bound in zip(result, (1.0, 2.0, 3.0, 3.0), strict=True))
    assert len({result[0] for result in waits}) > 1
    assert retries.wait(5) is None


def test_waiting_ends_at_the_timeout_and_reports_a_cancel(odem: Odem, plain: tuple[Path, Path]) -> None:
    """No worker runs here: merges stay queued."""
    lineage = f"l-{uuid.uuid4().hex[:8]}"
    odem.create_lineage(lineage, base=plain[0], recipe={"method": "average"})
    merge = odem.merge(plain[1], task="first", lineage=lineage)
    with pytest.raises(WaitTimeout):
        odem.wait(merge, timeout=0.3)
    odem.cancel(merge)
    with pytest.raises(MergeCancelled) as raised:
        odem.wait(merge, timeout=10)
    assert raised.value.merge.id == merge.id


def test_a_document_is_sent_unchanged(odem: Odem, plain: tuple[Path, Path]) -> None:
    digest = odem.upload(plain[0])
    with pytest.raises(Invalid, match="classnamse"):
        odem.merge(digest, task={"name": "first", "classnamse": []}, lineage="none")
    with pytest.raises(NotFound, match="none"):
        odem.merge(digest, task="first", lineage="none")
