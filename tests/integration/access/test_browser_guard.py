"""Without API keys a gateway serves loopback host names and no page of another origin."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.harness.gateway import Gateway
from standalone.valkey import EmbeddedValkey

_LINEAGE = {"name": "made-by-a-page", "base": f"sha256:{'1' * 64}", "recipe": {"method": "average"}}


@pytest.fixture(scope="module")
def gateway(valkey_server: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    valkey_server.start()
    folder = tmp_path_factory.mktemp("open") / "data"
    made = Gateway(valkey_server, folder, ODEM_AUTH="off", ODEM_ALLOWED_HOSTS="models.internal, Other.Internal").start()
    yield made
    made.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/lineages"), ("POST", "/blobs"), ("POST", "/merge"), ("POST", "/uploads"), ("GET", "/lineages")],
)
def test_a_page_of_another_origin_is_refused(gateway: Gateway, headers: dict[str, str], method: str, path: str) -> None:
    response = gateway.http.request(method, path, json=_LINEAGE if method == "POST" else None, headers=headers)
    assert (response.status_code, response.json()["type"]) == (403, "/problems/origin-refused")
    assert "ODEM_AUTH=on" in response.json()["detail"]
    assert gateway.http.get("/lineages").json()["lineages"] == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", "[2001:db8::1]"]
)
def test_a_name_that_resolves_to_this_machine_is_refused(gateway: Gateway, host: str) -> None:
    response = gateway.http.get("/lineages", headers={"Host": host})
    assert (response.status_code, response.json()["type"]) == (421, "/problems/host-refused")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:9", "127.0.0.1", "127.9.9.9:80", "[::1]:8000", "models.internal", "other.internal:1"],
)
def test_loopback_and_listed_names_are_served(gateway: Gateway, host: str) -> None:
    assert gateway.http.get("/lineages", headers={"Host": host}).status_code == 200


def test_a_page_of_the_gateways_own_origin_is_served(gateway: Gateway) -> None:
    headers = {"Origin": gateway.url, "Sec-Fetch-Site": "same-origin"}
    assert gateway.http.get("/lineages", headers=headers).status_code == 200


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"]])
def test_a_request_has_exactly_one_host(gateway: Gateway, hosts: list[str]) -> None:
    lines = ["GET /lineages HTTP/1.1", *(f"Host: {host}" for host in hosts), "Connection: close", "", ""]
    with socket.create_connection(("127.0.0.1", gateway.port), 10) as connection:
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 421 ")


def test_with_api_keys_the_key_decides_and_not_the_host(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    gateway = Gateway(valkey, tmp_path / "data", ODEM_AUTH="on").start()
    try:
        response = httpx.get(
            f"{gateway.url}/lineages", headers={"Host": "models.example", "Origin": "https://a.example"}
        )
        assert response.status_code == 401
    finally:
        gateway.close()
