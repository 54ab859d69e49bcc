"""Network addresses: loopback and public ones."""

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Whether a server that listens on this host name or address can be reached from this machine only."""
    try:
        result = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in result)


_TRANSLATED = tuple(
    ipaddress.IPv6Network(network)
    for network in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)
"""Addresses that stand for an IPv4 address: compatible, mapped, NAT64, Teredo, 6to4.

Source: RFC 4291 (2.5.5), RFC 6052, RFC 8215, RFC 4380, RFC 3056.
"""

_SPECIAL = tuple(
    ipaddress.ip_network(network) for network in ("168.63.129.16/32", "192.88.99.0/24", "3fff::/20", "5f00::/16")
)
"""Addresses that Python calls global and that no public receiver has.

Azure's host, 6to4 relays (RFC 7526), documentation (RFC 9637), segment routing (RFC 9602).
"""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_public(address: Address) -> bool:
    """Whether an address is a unicast address of the public internet."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address.is_site_local or any(address in network for network in _TRANSLATED)
    ):
        return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks separated by commas. Raises ValueError."""
    return tuple(ipaddress.ip_network(item.strip()) for item in text.split(",") if item.strip())
