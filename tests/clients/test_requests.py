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

Answer = tuple[int, dict[str, str], bytes]
_LINEAGES: Answer = (200, {}, b'{"lineages": [], "next": null}')
_PROBLEM = json.dumps({"type": "/problems/overloaded", "title": "Busy", "status": 503, "detail": "Later."}).encode()
_BUSY: Answer = (503, {"Retry-After": "0"}, _PROBLEM)
_FAST = Retries(attempts=3, first=0.01)


class Stack:
    """A server that gives the answers it is told to, the last one for ever; it notes the keys of requests."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.keys: list[str | None] = []
        house = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                house.keys.append(self.headers.get("Idempotency-Key"))
                status, headers, body = house.answers.pop(0) if len(house.answers) > 1 else house.answers[0]
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer  # noqa: N815

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def house() -> Iterator[Stack]:
    made = Stack()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def _sync(house: Stack) -> list[object]:
    with Odem(house.url, retries=_FAST) as odem:
        return list(odem.lineages())


def _async(house: Stack) -> list[object]:
    async def ask() -> list[object]:
        async with AsyncOdem(house.url, retries=_FAST) as odem:
            return list(await odem.lineages())

    return asyncio.run(ask())


both = pytest.mark.parametrize("ask", [_sync, _async])


@both
def test_a_busy_service_is_asked_again(house: Stack, ask: Callable[[Stack], list[object]]) -> None:
    house.answers = [_BUSY, _BUSY, _LINEAGES]
    assert ask(house) == []
    assert len(house.keys) == 3


@both
def test_the_last_refusal_is_told_with_its_problem(house: Stack, ask: Callable[[Stack], list[object]]) -> None:
    house.answers = [_BUSY]
    with pytest.raises(Unavailable, match="Later") as raised:
        ask(house)
    assert (raised.value.status, raised.value.type, raised.value.problem.title) == (503, "overloaded", "Busy")
    assert len(house.keys) == _FAST.attempts


@both
def test_a_wait_beyond_patience_is_not_waited_for(house: Stack, ask: Callable[[Stack], list[object]]) -> None:
    house.answers = [(429, {"Retry-After": "3600"}, b"")]
    with pytest.raises(TooMany):
        ask(house)
    assert len(house.keys) == 1


@both
def test_a_service_that_is_not_there_is_told_as_unreachable(house: Stack, ask: Callable[[Stack], list[object]]) -> None:
    house.url = "http://127.0.0.1:1"
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
        ask(house)


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (409, Conflict), (422, Invalid), (500, Unavailable)])
def test_what_would_not_help_is_not_sent_again(house: Stack, status: int, kind: type[Exception]) -> None:
    house.answers = [(status, {}, b"<html>a proxy's words</html>")]
    with pytest.raises(kind, match="a proxy's words"):
        _sync(house)
    assert len(house.keys) == 1


def test_a_post_that_is_sent_again_keeps_its_key_and_another_one_has_its_own(house: Stack) -> None:
    busy = (409, {"Retry-After": "0"}, b"")
    house.answers = [_BUSY, busy, (404, {}, b"")]
    with Odem(house.url, retries=_FAST) as odem:
        for _ in range(2):
            with pytest.raises(NotFound):
                odem.rollback("default", "1")
    first, again, then, other = house.keys
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


def test_waiting_ends_in_time_and_tells_who_cancelled(odem: Odem, plain: tuple[Path, Path]) -> None:
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


def test_a_document_is_sent_as_it_was_said(odem: Odem, plain: tuple[Path, Path]) -> None:
    digest = odem.upload(plain[0])
    with pytest.raises(Invalid, match="classnamse"):
        odem.merge(digest, task={"name": "first", "classnamse": []}, lineage="none")
    with pytest.raises(NotFound, match="none"):
        odem.merge(digest, task="first", lineage="none")
