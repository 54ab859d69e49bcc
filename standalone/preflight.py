"""Checks before the start: address, authentication, free disk space."""

import errno
import shutil
import socket
from pathlib import Path

from registry.networks import is_loopback

GIB = 1 << 30


class CannotListen(Exception):
    """The gateway cannot listen on the address; the message names the cause and the remedy."""


def check_address(host: str, port: int) -> None:
    """Raise CannotListen if the address is in use or unavailable."""
    where = f"{host} port {port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListen(f"{where} is taken: stop what listens there, or choose another --port") from error
        raise CannotListen(f"cannot listen on {where}: {error.strerror or error}") from error


def check_open(host: str, *, auth: bool) -> None:
    """Raise CannotListen if the address is reachable from a network without authentication."""
    if not auth and not is_loopback(host):
        raise CannotListen(
            f"without API keys the gateway listens on loopback addresses only, and {host!r} is none: whoever reaches "
            "it could read and change everything. Add --auth, or leave --host at 127.0.0.1"
        )


def disk_warning(folder: Path, low_gib: float) -> str | None:
    """Return a warning if `folder`'s disk has fewer than `low_gib` GiB free, else None."""
    free = shutil.disk_usage(folder).free / GIB
    if free >= low_gib:
        return None
    return (
        f"only {free:.1f} GiB free for {folder}: every merge stores a version of the weights, "
        "and nothing can be stored on a full disk"
    )
