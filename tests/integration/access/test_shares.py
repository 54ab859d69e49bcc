"""One key takes at most its share of event streams and webhook tests; the rest is for others."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack

import httpx

from benchmarks.harness.gateway import Gateway
from tests.integration.access.gateway import send_blob, send_lineage

_OVERLOADED = (503, "/problems/overloaded")


def _clients(gateway: Gateway) -> tuple[httpx.Client, httpx.Client]:
    """Clients of two keys; the lineage `a` exists."""
    _, one = gateway.key("admin")
    _, other = gateway.key("admin")
    send_lineage(one, "a", send_blob(one, 1))
    return one, other


def test_a_key_has_its_share_of_event_streams_and_another_key_has_one_too(
    own_gateway: Callable[..., Gateway],
) -> None:
    one, other = _clients(own_gateway(ODEM_MAX_WATCHERS="4", ODEM_EVENTS_SECONDS="60"))
    with ExitStack() as streams:
        for client in (one, one, other):
            assert streams.enter_context(client.stream("GET", "/lineages/a/events")).status_code == 200
        refused = one.get("/lineages/a/events")
        assert (refused.status_code, refused.json()["type"]) == _OVERLOADED
        assert "ODEM_KEY_SHARE" in refused.json()["detail"]
        assert streams.enter_context(other.stream("GET", "/lineages/a/events")).status_code == 200


def test_a_key_has_its_share_of_webhook_tests_while_a_receiver_hangs(own_gateway: Callable[..., Gateway]) -> None:
    settings = {"ODEM_WEBHOOK_HTTP": "on", "ODEM_WEBHOOK_NETWORKS": "127.0.0.0/8", "ODEM_MAX_WEBHOOK_TESTS": "2"}
    one, other = _clients(own_gateway(**settings))
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        url = f"http://127.0.0.1:{receiver.getsockname()[1]}/"
        path = f"/lineages/a/webhooks/{one.post('/lineages/a/webhooks', json={'url': url}).json()['id']}/test"
        tests = [threading.Thread(target=client.post, args=(path,)) for client in (one, other)]
        tests[0].start()
        hanging, _ = receiver.accept()
        refused = one.post(path)
        assert (refused.status_code, refused.json()["type"]) == _OVERLOADED
        tests[1].start()
        second, _ = receiver.accept()
        for connection in (hanging, second):
            connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            connection.close()
        for test in tests:
            test.join()
