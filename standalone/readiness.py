"""Readiness: polls the gateway and prints its URL once the service is ready."""

import threading
import time
import urllib.error
import urllib.request

from standalone.console import Console

# The service is on this machine: a proxy that the environment names has no part in it.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def base_url(host: str, port: int) -> str:
    """Return the address under which a browser on this machine reaches a server that listens on `host`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def failure_of(url: str) -> str | None:
    """Request `url` once; return None for the status 200, else a short description of the failure."""
    try:
        with _DIRECT.open(url, timeout=2.0) as response:
            return None if response.status == 200 else f"status {response.status}"
    except urllib.error.HTTPError as error:
        with error:
            return f"status {error.code}: {error.read(500).decode(errors='replace').strip()}"
    except OSError as error:
        return str(getattr(error, "reason", error))


def announce(url: str, console: Console, banner: str, remind_after: float = 30.0) -> None:
    """Print `banner` once `url` returns 200; until then print the failure every `remind_after` seconds.

    Returns at once; a daemon thread polls.
    """

    def poll() -> None:
        reminder = time.monotonic() + remind_after
        while failure := failure_of(url):
            if time.monotonic() > reminder:
                console.say(f"not ready yet: {url}: {failure}")
                reminder = time.monotonic() + remind_after
            time.sleep(0.2)
        console.say(banner)

    threading.Thread(target=poll, daemon=True, name="readiness").start()
