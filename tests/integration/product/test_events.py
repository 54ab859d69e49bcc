"""Server-sent events, as a client of the real gateway reads them."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import redis

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import eventually
from registry.merge import MergeProblem, MergeState, Progress
from registry.state.keys import LineageKeys
from tests.integration.ledger.conftest import Ledger

_LONG = 60_000


class Stream:
    """The events of one open answer."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()
        self.comments = 0

    def next(self) -> dict[str, Any] | None:
        """The next event: its data, with `id`; None at the end of the stream."""
        result: dict[str, Any] = {}
        for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line.startswith("data: "):
                result["data"] = json.loads(line[6:])
            elif line.startswith(("event: ", "id: ")):
                name, _, value = line.partition(": ")
                result[name] = value
            elif not line and "data" in result:
                assert result["event"] == result["data"]["type"]
                return result["data"] | {"id": result.get("id")}
        return None

    def rest(self) -> list[dict[str, Any]]:
        """All events up to the end."""
        return list(iter(self.next, None))

    def until(self, kind: str) -> dict[str, Any]:
        """The next event of a kind."""
        while result := self.next():
            if result["type"] == kind:
                return result
        raise AssertionError(f"the stream ended without {kind}")


@contextmanager
def _watching(gateway: Gateway, path: str, last: str | None = None) -> Iterator[Stream]:
    headers = {"Last-Event-ID": last} if last else {}
    with gateway.http.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


def _states(events: list[dict[str, Any]]) -> list[str]:
    return [event["state"] for event in events if event["type"] == "state"]


def test_events_cover_a_merge_from_queued_to_its_version_and_the_stream_ends(gateway: Gateway, books: Ledger) -> None:
    books.create("told")
    with _watching(gateway, "/lineages/told/events") as line:
        assert line.next() == {"type": "present", "lineage": "told", "head": "told@0", "waiting": 0, "merges": []} | {
            "id": "0-0"
        }
        merge = books.merge("told").provenance
        assert merge is not None
        assert line.until("state")["state"] == "queued"
        assert line.until("state")["attempt"] == 1
        version = line.until("version")
        assert (version["version"], version["merge"], version["id"]) == ("told@1", merge.merge, None)
        assert line.until("state")["state"] == "succeeded"
    with _watching(gateway, f"/merges/{merge.merge}/events") as stream:
        (last,) = stream.rest()
    assert (last["state"], last["version"]) == ("succeeded", "told@1")
    with _watching(gateway, f"/merges/{merge.merge}/events", "0-0") as stream:
        again = stream.rest()
    assert [event["type"] for event in again] == ["state", "state", "version", "state"]
    assert _states(again) == ["queued", "running", "succeeded"]


def test_progress_is_streamed_and_a_late_watcher_gets_the_newest(gateway: Gateway, books: Ledger) -> None:
    books.create("steps")
    merge = books.enqueue("steps")
    with _watching(gateway, f"/merges/{merge.id}/events") as stream:
        assert stream.until("state")["state"] == "queued"
        claim = books.state.claims.claim("steps", _LONG, 3)
        assert claim is not None
        assert stream.until("state")["state"] == "running"
        for step in (1, 2):
            books.state.claims.renew(claim, _LONG, Progress(phase="merging", step=step))
            seen = stream.until("progress")
            assert (seen["progress"]["step"], seen["id"]) == (step, None)
        with _watching(gateway, f"/merges/{merge.id}/events") as late:
            assert late.until("progress")["progress"]["step"] == 2
        books.state.claims.renew(claim, _LONG, Progress(phase="merging", step=2))
        books.state.claims.end(claim, MergeState.FAILED, MergeProblem(type="/problems/x", title="x", detail="why"))
        (last,) = stream.rest()  # the same progress again is no event
    assert (last["state"], last["problem"]["detail"]) == ("failed", "why")


def test_a_resumed_stream_continues_after_the_last_event_without_duplicates(gateway: Gateway, books: Ledger) -> None:
    books.create("resumed")
    with _watching(gateway, "/lineages/resumed/events") as stream:
        books.merge("resumed")
        seen = [stream.until("state") for _ in range(2)]
    books.state.merges.request_cancel(books.enqueue("resumed").id)
    with _watching(gateway, "/lineages/resumed/events", seen[-1]["id"]) as stream:
        events = [stream.next() for _ in range(4)]
    result = [event for event in events if event is not None]
    assert [event["type"] for event in result] == ["version", "state", "state", "state"]
    assert _states(result) == ["succeeded", "queued", "cancelled"]


def test_a_client_that_has_the_last_event_gets_204(gateway: Gateway, books: Ledger) -> None:
    books.create("over")
    merge = books.enqueue("over")
    books.state.merges.request_cancel(merge.id)
    with _watching(gateway, f"/merges/{merge.id}/events") as stream:
        (last,) = stream.rest()
    response = gateway.http.get(f"/merges/{merge.id}/events", headers={"Last-Event-ID": last["id"]})
    assert (response.status_code, response.content) == (204, b"")


def test_a_client_that_was_away_too_long_gets_a_gap_event(gateway: Gateway, books: Ledger) -> None:
    books.create("trimmed")
    merge = books.enqueue("trimmed")
    with _watching(gateway, f"/merges/{merge.id}/events") as stream:
        first = stream.until("state")["id"]
    books.state.claims.claim("trimmed", _LONG, 3)
    with redis.Redis.from_url(books.url) as client:
        client.xtrim(LineageKeys("trimmed").events, maxlen=1, approximate=False)
    with _watching(gateway, f"/merges/{merge.id}/events", "1-0") as stream:
        gap, now = stream.next(), stream.next()
    assert gap is not None
    assert (gap["type"], gap["id"]) == ("gap", None)
    assert now is not None
    assert now["state"] == "running"
    with _watching(gateway, "/lineages/trimmed/events", first) as stream:
        assert [(event or {}).get("type") for event in (stream.next(), stream.next())] == ["gap", "present"]
    with _watching(gateway, "/lineages/trimmed/events", "99999999999999-0") as stream:
        assert (stream.next() or {}).get("type") == "gap"  # of a store that has been rebuilt since


def test_a_rollback_is_streamed_as_a_version(gateway: Gateway, books: Ledger) -> None:
    books.create("back")
    books.merge("back")
    with _watching(gateway, "/lineages/back/events") as stream:
        assert (stream.next() or {})["head"] == "back@1"
        assert gateway.http.post("/lineages/back/rollback", json={"version": "0"}).status_code == 201
        result = stream.next()
    assert result is not None
    assert (result["version"], result["origin"], result["merge"]) == ("back@2", "back@0", None)


@pytest.mark.parametrize(
    ("path", "headers", "status", "kind"),
    [
        ("/merges/mrg_none/events", {}, 404, "merge-not-found"),
        ("/lineages/none/events", {}, 404, "lineage-not-found"),
        ("/lineages/refused/events", {"Last-Event-ID": "x"}, 422, "invalid-document"),
        ("/lineages/refused/events", {"Last-Event-ID": "1-2-3"}, 422, "invalid-document"),
    ],
)
def test_refusals_are_problems_and_no_streams(
    gateway: Gateway, books: Ledger, path: str, headers: dict[str, str], status: int, kind: str
) -> None:
    books.create("refused")
    response = gateway.http.get(path, headers=headers)
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{kind}")


@pytest.mark.slow
def test_watchers_are_limited_and_a_disconnect_frees_a_slot(own_gateway: Callable[..., Gateway], books: Ledger) -> None:
    stack = own_gateway(ODEM_MAX_WATCHERS="1", ODEM_EVENTS_HEARTBEAT_SECONDS="0.1")
    books.create("full")
    with _watching(stack, "/lineages/full/events") as stream:
        stream.next()
        refused = stack.http.get("/lineages/full/events")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/overloaded")
        assert refused.headers["retry-after"]
        books.merge("full")
        assert stream.until("state")["state"] == "queued"

    def again() -> bool:
        with stack.http.stream("GET", "/lineages/full/events") as response:
            return response.status_code == 200

    eventually(again, "the place is free", 90)


@pytest.mark.slow
def test_a_silent_stream_shows_that_it_lives_and_ends_after_its_time(
    own_gateway: Callable[..., Gateway], books: Ledger
) -> None:
    stack = own_gateway(ODEM_EVENTS_SECONDS="0.6", ODEM_EVENTS_HEARTBEAT_SECONDS="0.1")
    books.create("silent")
    with _watching(stack, "/lineages/silent/events") as stream:
        assert [event["type"] for event in stream.rest()] == ["present"]
        assert stream.comments >= 3


@pytest.mark.slow
def test_a_gateway_that_stops_lets_its_watchers_go_at_once(own_gateway: Callable[..., Gateway], books: Ledger) -> None:
    stack = own_gateway(ODEM_SHUTDOWN_SECONDS="20")
    books.create("stopping")
    with _watching(stack, "/lineages/stopping/events") as stream:
        stream.next()
        ended: list[Any] = []
        reader = threading.Thread(target=lambda: ended.append(stream.rest()))
        reader.start()
        assert stack.stop() in {0, -15}
        reader.join(5)
        assert ended == [[]]


@pytest.mark.slow
def test_a_hundred_watchers_add_less_than_50_mb_and_not_a_thread_each(gateway: Gateway, books: Ledger) -> None:
    books.create("crowd")
    merge = books.enqueue("crowd")
    paths = ["/lineages/crowd/events", f"/merges/{merge.id}/events"]
    with _watching(gateway, paths[0]) as stream:
        stream.next()
    before, threads = gateway.process.memory_info().rss, gateway.process.num_threads()
    limits = httpx.Limits(max_connections=None)
    with httpx.Client(base_url=gateway.url, limits=limits, trust_env=False, timeout=90) as client:
        responses = [client.send(client.build_request("GET", paths[n % 2]), stream=True) for n in range(100)]
        streams = [Stream(response) for response in responses]
        for stream in streams:
            assert stream.next() is not None
        claim = books.state.claims.claim("crowd", _LONG, 3)
        assert claim is not None
        for stream in streams:
            assert stream.until("state")["state"] == "running"
        added = gateway.process.memory_info().rss - before
        more = gateway.process.num_threads() - threads
        for response in responses:
            response.close()
    print(f"a hundred watchers: {added / 2**20:.1f} MB, {more} threads more")
    assert added < 50 * 2**20
    assert more < 20
    assert not re.search("Traceback", gateway.log.read_text())
