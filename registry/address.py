"""Network addresses: which of them only this machine can reach."""

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Whether whoever listens on this host name or address can be reached from this machine alone."""
    try:
        found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in found)
