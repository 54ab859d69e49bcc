"""Without a key, with a wrong one, with one of another scope or lineage: every route's answer.

The table is complete: a route of the app that is not in it fails a test.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from benchmarks.harness.gateway import Gateway
from registry.base_record import now
from service.app import create_app
from service.pipeline.permissions import idempotent, policy_of
from service.pipeline.route import GatewayRoute
from service.settings import GatewaySettings
from tests.integration.access.gateway import send_blob, send_lineage, send_merge, tiny
from tests.integration.access.routes import CASES, PUBLIC, Things

_ORDER = ["read", "merge", "admin"]
_BEARER = 'Bearer realm="odem"'


@dataclass
class Stack:
    """Two lineages: `a`, to which some keys are limited, and `b`, of which these keys must not know."""

    gateway: Gateway
    own: Things
    others: Things
    none: Things
    limited: dict[str, httpx.Client]
    unlimited: dict[str, httpx.Client]


@pytest.fixture(scope="module")
def stack(gateway: Gateway) -> Stack:
    limited = {scope: gateway.key(scope, "a", "fresh", "limb")[1] for scope in _ORDER}
    unlimited = {scope: gateway.key(scope)[1] for scope in _ORDER}
    result = []
    for name, keys, number in (("a", limited, 1), ("b", unlimited, 2)):
        client = keys["admin"]
        blob = send_blob(client, number)
        send_lineage(client, name, blob)
        merge = send_merge(client, name, blob)
        client.put(f"/lineages/{name}/aliases/production", json={"version": "0"})
        hook = client.post(f"/lineages/{name}/webhooks", json={"url": "https://receiver.invalid/"}).json()["id"]
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "100"}
        upload = keys["merge"].post("/uploads", headers=headers).headers["location"].rpartition("/")[2]
        result.append(Things(name, merge, blob, f"{name}@0", upload=upload, webhook=hook))
    none = Things("zz", f"mrg_{'0' * 24}", f"sha256:{'0' * 64}", "zz@0", new="zz")
    return Stack(gateway, result[0], replace(result[1], new="b"), none, limited, unlimited)


def _ask(client: httpx.Client, route: str, things: Things) -> httpx.Response:
    return client.request(route.partition(" ")[0], **CASES[route].request(things))


def _words(response: httpx.Response, things: Things) -> str:
    """What an answer says, without the names that were asked for."""
    text = response.text
    names = (things.version, things.merge, things.blob, things.upload, things.webhook)
    for name in (*names, f"'{things.lineage}'", f"'{things.new}'"):
        text = text.replace(name, "?")
    return text


def test_the_table_has_every_route_of_the_app() -> None:
    routes = [route for route in create_app(GatewaySettings()).routes if isinstance(route, APIRoute)]
    scopes = {f"{method} {route.path}": policy_of(route.endpoint).scope for route in routes for method in route.methods}
    assert set(scopes) == set(CASES) | PUBLIC
    assert {name for name, scope in scopes.items() if scope is None} == PUBLIC
    assert {name: str(scope) for name, scope in scopes.items() if scope} == {
        name: case.scope for name, case in CASES.items()
    }


def test_a_route_without_a_declared_scope_cannot_be_registered() -> None:
    router = APIRouter(route_class=GatewayRoute)
    with pytest.raises(TypeError, match="/new with @requires"):

        @router.post("/new")
        @idempotent()
        def create() -> None:
            """Raise before a request can arrive."""


@pytest.mark.parametrize("route", CASES)
def test_requests_without_a_key_get_401_and_no_details(stack: Stack, route: str) -> None:
    client = stack.gateway.client(None)
    responses = [_ask(client, route, things) for things in (stack.own, stack.none)]
    for response in responses:
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == _BEARER
    assert responses[0].text == responses[1].text
    if not route.startswith("HEAD"):
        assert responses[0].json()["type"] == "/problems/not-authenticated"
        assert responses[0].headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("route", CASES)
def test_a_wrong_key_gets_no_details(stack: Stack, route: str) -> None:
    key, revoked = stack.gateway.key("admin")
    stack.gateway.state.api_keys.revoke(key.id)
    _, expired = stack.gateway.key("admin", expires_at=now() - timedelta(seconds=1))
    clients = [
        stack.gateway.client(token)
        for token in ("nonsense", f"odem_{key.id}_{'0' * 48}", f"odem_{'0' * 16}_{'0' * 48}")
    ]
    output = set()
    for client in [revoked, expired, *clients]:
        response = _ask(client, route, stack.own)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == f'{_BEARER}, error="invalid_token"'
        output.add(response.text)
    assert len(output) == 1


@pytest.mark.parametrize("route", [route for route, case in CASES.items() if case.scope != "read"])
def test_a_key_of_a_smaller_scope_is_refused_whether_or_not_the_thing_exists(stack: Stack, route: str) -> None:
    needed = CASES[route].scope
    for scope in _ORDER[: _ORDER.index(needed)]:
        responses = [_ask(stack.limited[scope], route, things) for things in (stack.own, stack.others, stack.none)]
        assert {response.status_code for response in responses} == {403}
        assert {response.headers["www-authenticate"] for response in responses} == {
            f'{_BEARER}, error="insufficient_scope", scope="{needed}"'
        }
        assert len({response.text for response in responses}) == 1


@pytest.mark.parametrize("route", [route for route, case in CASES.items() if case.others is not None])
def test_resources_of_another_lineage_appear_missing(stack: Stack, route: str) -> None:
    case = CASES[route]
    others, none = (_ask(stack.limited[case.scope], route, things) for things in (stack.others, stack.none))
    assert (others.status_code, none.status_code) == (case.others, case.others)
    assert _words(others, stack.others) == _words(none, stack.none)
    assert {name for name in others.headers if name != "date"} == {name for name in none.headers if name != "date"}


def test_the_blobs_of_others_cannot_be_merged_nor_made_a_base(stack: Stack) -> None:
    client = stack.limited["admin"]
    for blob in (stack.others.blob, stack.none.blob):
        document = {"lineage": "a", "task": {"name": "t"}, "checkpoint": blob}
        assert client.post("/merge", json=document).status_code == 404
        response = client.post("/lineages", json={"name": "fresh", "base": blob, "recipe": {"method": "average"}})
        assert response.json()["type"] == "/problems/blob-not-found"


def test_a_limited_key_merges_its_own_resumable_upload(stack: Stack) -> None:
    file = tiny(77)
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(file))}
    piece = headers | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    client = stack.limited["merge"]
    location = client.post("/uploads", headers=headers).headers["location"]
    digest = client.patch(location, headers=piece, content=file).headers["upload-blob"]
    document = {"lineage": "a", "task": {"name": "resumable"}, "checkpoint": digest}
    assert client.post("/merge", json=document).status_code == 202
    _, other = stack.gateway.key("merge", "fresh")
    assert other.head(f"/blobs/{digest}").status_code == 404


def test_listings_show_a_limited_key_its_own_lineages_only(stack: Stack) -> None:
    names = [item["name"] for item in stack.limited["read"].get("/lineages").json()["lineages"]]
    assert "a" in names
    assert "b" not in names
    assert "b" in [item["name"] for item in stack.unlimited["read"].get("/lineages").json()["lineages"]]


def test_a_branch_does_not_tell_a_limited_key_where_it_came_from(stack: Stack) -> None:
    _, admin = stack.gateway.key("admin")
    assert admin.post("/lineages/b/branch", json={"name": "twig", "version": "0"}).json()["origin"] == "b@0"
    _, client = stack.gateway.key("read", "twig")
    assert client.get("/lineages/twig").json()["origin"] is None
    assert client.get("/models/twig@0").json()["origin"] is None


def test_a_limited_key_can_do_everything_with_its_own(stack: Stack) -> None:
    for route, case in CASES.items():
        response = _ask(stack.limited[case.scope], route, stack.own)
        assert response.status_code == case.own, (route, response.text)


def test_a_refusal_precedes_100_continue(stack: Stack) -> None:
    """`Expect: 100-continue` is never answered with 100, so a client that waits for it sends nothing."""
    import socket

    with socket.create_connection(("127.0.0.1", stack.gateway.port), timeout=90) as wire:
        wire.sendall(b"POST /blobs HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n")
        assert wire.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_a_revoked_key_ends_at_once_where_keys_are_not_remembered(stack: Stack) -> None:
    key, client = stack.gateway.key("read")
    assert client.get("/lineages").status_code == 200
    stack.gateway.state.api_keys.revoke(key.id)
    assert client.get("/lineages").status_code == 401
