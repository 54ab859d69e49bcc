"""Checks of Host and of where a browser's request comes from.

Without API keys whoever reaches the gateway may change everything, and a page of any site that is open in a browser on
this machine reaches it: by a cross-origin form or fetch, or under a name of its own that resolves to 127.0.0.1 (DNS
rebinding). Sources: RFC 9110, section 7.2 (Host); RFC 6454 (Origin); Fetch Metadata (Sec-Fetch-Site).
"""

import ipaddress

from fastapi import Request

from registry.errors import HostRefused, OriginRefused
from service.settings import GatewaySettings

_FOREIGN = {"cross-site", "same-site"}


def check_host(request: Request) -> str:
    """The request's only Host, without its port; "" for HTTP/1.0 without one. Raises HostRefused."""
    hosts = request.headers.getlist("host")
    if len(hosts) > 1 or (not hosts and request.scope["http_version"] != "1.0"):
        raise HostRefused("A request needs exactly one Host header (RFC 9112, section 3.2).")
    host = hosts[0].strip().lower() if hosts else ""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdecimal() else host).strip("[]")


def check_browser(request: Request, settings: GatewaySettings) -> None:
    """Refuse what a foreign page could send to a gateway without API keys. Raises HostRefused, OriginRefused."""
    host = check_host(request)
    if settings.auth:
        return
    if host and not _is_loopback(host) and host not in settings.allowed_host_names:
        raise HostRefused(
            f"Without API keys the gateway responds to loopback host names only, not to {host[:100]!r}. Use "
            "http://localhost, list the name in ODEM_ALLOWED_HOSTS, or set ODEM_AUTH=on."
        )
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if (origin is not None and origin != own) or request.headers.get("sec-fetch-site") in _FOREIGN:
        raise OriginRefused(
            "Without API keys the gateway takes no requests of pages from another origin. Set ODEM_AUTH=on and send an "
            "API key."
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
