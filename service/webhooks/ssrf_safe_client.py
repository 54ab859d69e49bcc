"""Requests that leave this house: to receivers of webhooks, and never into a private network.

A host is resolved here, its addresses are judged, and the connection goes to one of the very addresses that were
judged: a name that resolves to another address the next moment gains nothing. Redirects are not followed.
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

_MOST_ANSWER_BYTES = 64 << 10
_USER_AGENT = "odem-webhooks"
_LONGEST_URL = 2000


class Unreachable(Exception):
    """A receiver that could not be asked, or gave no answer; the message says why and reveals no more."""


@dataclass(frozen=True)
class Answered:
    """A receiver's answer. Its body is not kept."""

    status: int
    milliseconds: int


class SsrfSafeClient:
    """Sends to receivers.

    networks: private networks that may be reached all the same. plain: whether `http://` will do.
    seconds: for one request in all.
    """

    def __init__(self, networks: Sequence[Network], seconds: float, *, plain: bool) -> None:
        self._networks = networks
        self._seconds = seconds
        self._schemes = {"https", "http"} if plain else {"https"}
        self._client = httpx.AsyncClient(
            trust_env=False, follow_redirects=False, timeout=seconds, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def check(self, url: str) -> SplitResult:
        """A URL that could be sent to, as far as can be told without resolving it. Raises Unreachable."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Unreachable(f"This is no URL: {error}.") from error
        if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise Unreachable(f"A URL has at most {_LONGEST_URL} printable ASCII characters and no spaces.")
        if parts.scheme not in self._schemes:
            raise Unreachable(f"The URL must begin with {' or '.join(f'{item}://' for item in sorted(self._schemes))}.")
        if not parts.hostname or port == 0:
            raise Unreachable("The URL names no host.")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise Unreachable("The URL must have no user, password or fragment.")
        try:
            address = ipaddress.ip_address(parts.hostname)
        except ValueError:
            return parts
        self._allowed([address])
        return parts

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """Send a body. Raises Unreachable."""
        start = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._post(self.check(url), headers, body)
        except TimeoutError as error:
            raise Unreachable(f"There was no answer within {self._seconds:g} s.") from error
        except httpx.TimeoutException as error:
            raise Unreachable(f"There was no answer within {self._seconds:g} s.") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unreachable(f"The connection failed ({type(error).__name__}).") from error
        return Answered(status, round((time.monotonic() - start) * 1000))

    async def _post(self, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> int:
        host = str(parts.hostname)
        address = await self._resolve(host, parts.port or (443 if parts.scheme == "https" else 80))
        literal = f"[{address}]" if address.version == 6 else str(address)
        port = f":{parts.port}" if parts.port else ""
        place = parts._replace(netloc=f"{literal}{port}").geturl()
        sent = {**headers, "Host": parts.netloc, "User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
        # The certificate is judged by the name that was asked for, although the connection goes to an address.
        request = self._client.build_request(
            "POST", place, headers=sent, content=body, extensions={"sni_hostname": host, "timeout": self._timeouts()}
        )
        answer = await self._client.send(request, stream=True)
        try:
            taken = 0
            async for chunk in answer.aiter_raw():
                taken += len(chunk)
                if taken > _MOST_ANSWER_BYTES:
                    break
        finally:
            await answer.aclose()
        return answer.status_code

    def _timeouts(self) -> dict[str, float | None]:
        return httpx.Timeout(self._seconds).as_dict()

    async def _resolve(self, host: str, port: int) -> Address:
        """An address of a host that may be reached. Raises Unreachable."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        return self._allowed([ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found])

    def _allowed(self, addresses: Sequence[Address]) -> Address:
        for address in addresses:
            if is_public(address) or any(address in network for network in self._networks):
                return address
        # The same words for a name that does not exist: nobody learns what names there are in our networks.
        raise Unreachable(
            "The host has no public address. (ODEM_WEBHOOK_NETWORKS names private networks that will do.)"
        )
