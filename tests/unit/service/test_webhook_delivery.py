"""Webhook delivery: allowed addresses, DNS rebinding and retry delays."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest

from registry.networks import is_public
from service.webhooks.dispatcher import retry_delay
from service.webhooks.ssrf_safe_client import SsrfSafeClient, Unreachable

_PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "192.88.99.1",
    "3fff::1",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:808:808::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", _PRIVATE)
def test_an_address_of_our_own_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def _post(names: list[list[str]], monkeypatch: pytest.MonkeyPatch, network: str) -> tuple[list[str], str]:
    """Send to a name that resolves to other addresses each time; returns where was connected to, and what was wrong."""
    tried: list[str] = []
    responses = iter(names)

    async def main() -> str:
        loop = asyncio.get_running_loop()

        async def resolve(*_: Any, **__: Any) -> Any:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in next(responses)]

        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        client = SsrfSafeClient([ipaddress.ip_network(network)], 5.0, allow_http=True)
        transport: Any = client._client._transport
        backend = transport._pool._network_backend
        connect: Callable[..., Any] = backend.connect_tcp

        async def note(host: str, *arguments: Any, **more: Any) -> Any:
            tried.append(host)
            return await connect(host, *arguments, **more)

        monkeypatch.setattr(backend, "connect_tcp", note)
        try:
            await client.post("http://receiver.example:1/", {}, b"{}")
        except Unreachable as error:
            return str(error)
        finally:
            await client.close()
        return ""

    return tried, asyncio.run(main())


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, why = _post([["127.0.0.9"], ["127.0.0.1"]], monkeypatch, "127.0.0.9/32")
    assert tried == ["127.0.0.9"]
    assert "connection failed" in why


def test_a_name_with_private_addresses_only_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, why = _post([["10.0.0.1", "127.0.0.1"]], monkeypatch, "127.0.0.9/32")
    assert tried == []
    assert "no public address" in why


def test_retry_delays_grow_to_six_hours_with_jitter_of_a_fifth() -> None:
    plain = [retry_delay(attempt, 5.0, lambda low, high: (low + high) / 2) for attempt in range(1, 13)]
    assert plain[:4] == [5, 20, 80, 320]
    assert plain[-1] == 6 * 3600
    assert {0.8 <= retry_delay(1, 1.0) <= 1.2 for _ in range(100)} == {True}
