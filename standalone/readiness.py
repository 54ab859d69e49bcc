"""Announces when the service is ready, and its URL."""

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


def what_is_missing(url: str) -> str | None:
    """Ask `url` once; return None for the answer 200, else in short what came instead."""
    try:
        with _DIRECT.open(url, timeout=2.0) as response:
            return None if response.status == 200 else f"status {response.status}"
    except urllib.error.HTTPError as error:
        with error:
            return f"status {error.code}: {error.read(500).decode(errors='replace').strip()}"
    except OSError as error:
        return str(getattr(error, "reason", error))


def announce(url: str, console: Console, banner: str, remind_after: float = 30.0) -> None:
    """Say `banner` once `url` answers 200; meanwhile say every `remind_after` seconds what is missing.

    Returns at once: a daemon thread asks.
    """

    def ask() -> None:
        reminder = time.monotonic() + remind_after
        while missing := what_is_missing(url):
            if time.monotonic() > reminder:
                console.say(f"still not ready: {url} answers {missing}")
                reminder = time.monotonic() + remind_after
            time.sleep(0.2)
        console.say(banner)

    threading.Thread(target=ask, daemon=True, name="readiness").start()
