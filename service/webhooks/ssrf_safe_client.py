"""SSRF-safe HTTP client for webhooks: sends to public addresses only.

The client resolves the host itself, checks the addresses, and connects to one that it has checked, so a name that
resolves to another address the next moment (DNS rebinding) gains nothing. It does not follow redirects.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

from registry.networks import Address, Network, is_public

_MAX_RESPONSE_BYTES = 64 << 10
_USER_AGENT = "odem-webhooks"
_MAX_URL_LENGTH = 2000


class Unreachable(Exception):
    """No response from a receiver. The message gives the reason and reveals nothing about private networks."""


@dataclass(frozen=True)
class DeliveryResult:
    """A receiver's response, without its body."""

    status: int
    milliseconds: int


class SsrfSafeClient:
    """HTTP client that posts to receivers.

    networks: private networks that are allowed. timeout_seconds: for a whole request. allow_http: whether `http://`
    URLs are allowed beside `https://`.
    """

    def __init__(self, networks: Sequence[Network], timeout_seconds: float, *, allow_http: bool) -> None:
        self._networks = networks
        self._timeout_seconds = timeout_seconds
        self._schemes = {"https", "http"} if allow_http else {"https"}
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=timeout_seconds,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def check(self, url: str) -> SplitResult:
        """Check a URL without resolving its host, and return its parts. Raises Unreachable."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Unreachable(f"The URL is invalid: {error}.") from error
        if len(url) > _MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
            raise Unreachable(f"The URL must have at most {_MAX_URL_LENGTH} printable ASCII characters and no spaces.")
        if parts.scheme not in self._schemes:
            raise Unreachable(f"The URL must start with {' or '.join(f'{item}://' for item in sorted(self._schemes))}.")
        if not parts.hostname or port == 0:
            raise Unreachable("The URL has no host.")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise Unreachable("The URL must not contain a user, password or fragment.")
        try:
            address = ipaddress.ip_address(parts.hostname)
        except ValueError:
            return parts
        self._first_allowed([address])
        return parts

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> DeliveryResult:
        """Post a body. Raises Unreachable."""
        start = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                status = await self._post(self.check(url), headers, body)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unreachable(f"No response within {self._timeout_seconds:g} s.") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unreachable(f"The connection failed ({type(error).__name__}).") from error
        return DeliveryResult(status, round((time.monotonic() - start) * 1000))

    async def _post(self, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> int:
        host = str(parts.hostname)
        address = await self._resolve(host, parts.port or (443 if parts.scheme == "https" else 80))
        literal = f"[{address}]" if address.version == 6 else str(address)
        port = f":{parts.port}" if parts.port else ""
        url = parts._replace(netloc=f"{literal}{port}").geturl()
        all_headers = {**headers, "Host": parts.netloc, "User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
        # The certificate is checked against the host name, although the connection goes to an address.
        request = self._client.build_request(
            "POST",
            url,
            headers=all_headers,
            content=body,
            extensions={"sni_hostname": host, "timeout": self._timeouts()},
        )
        response = await self._client.send(request, stream=True)
        try:
            received = 0
            async for chunk in response.aiter_raw():
                received += len(chunk)
                if received > _MAX_RESPONSE_BYTES:
                    break
        finally:
            await response.aclose()
        return response.status_code

    def _timeouts(self) -> dict[str, float | None]:
        return httpx.Timeout(self._timeout_seconds).as_dict()

    async def _resolve(self, host: str, port: int) -> Address:
        """Resolve a host to an allowed address. Raises Unreachable."""
        try:
            entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            entries = []
        return self._first_allowed([ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries])

    def _first_allowed(self, addresses: Sequence[Address]) -> Address:
        for address in addresses:
            if is_public(address) or any(address in network for network in self._networks):
                return address
        # The message is the same for a name that does not exist, so it reveals no names of private networks.
        raise Unreachable("The host has no public address. ODEM_WEBHOOK_NETWORKS allows private networks.")
