"""`python -m service`: the gateway on uvicorn."""

import contextlib
import copy
import gc
import logging
import socket
import sys
from typing import Any

import uvicorn

from registry.logging_config import handler as log_handler
from registry.networks import is_loopback
from service.app import create_app
from service.auth.request_state import RequestIdFilter
from service.events.broadcaster import Broadcaster
from service.server.protocol import BoundedConnection
from service.settings import GatewaySettings

_REFUSAL = (
    "error: without API keys the gateway listens on loopback addresses only, and {host!r} is none: whoever reaches it "
    "could read and change everything. Set ODEM_AUTH=on and make a key with `python -m registry.admin keys create`, or "
    "set ODEM_HOST=127.0.0.1.\n"
)
_STARTUP_FAILURE = 3
"""The exit status that uvicorn gives a server that did not start."""
_ALLOCATIONS = 20_000
"""Container objects, made and not yet freed, that start a collection of the young ones; Python's default is 700."""
_OPEN = "NOBODY IS ASKED FOR AN API KEY (ODEM_AUTH is off): everybody on this machine may read and change everything."


def main() -> int:
    """Serve until SIGTERM or SIGINT, and return the exit status: 2 when the settings would lay everything open."""
    settings = GatewaySettings.read()
    if not settings.auth:
        if not is_loopback(settings.host):
            sys.stderr.write(_REFUSAL.format(host=settings.host))
            return 2
        sys.stderr.write(f"warning: {_OPEN}\n")
    logging.getLogger("uvicorn.access").addFilter(_worth_a_line)
    if settings.log_format == "json":
        logging.basicConfig(level=logging.INFO, handlers=[log_handler("json")])
        logging.getLogger().handlers[0].addFilter(RequestIdFilter())
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=BoundedConnection.of(settings),
        server_header=False,
        # In JSON, uvicorn's lines go the way of all others.
        log_config=None if settings.log_format == "json" else _log_config(),
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
    )
    gateway = _Gateway(config, app.state.context.watchers)
    _collect_seldom()
    with contextlib.suppress(KeyboardInterrupt):
        gateway.run()
    return 0 if gateway.started else _STARTUP_FAILURE


def _collect_seldom() -> None:
    """Leave what the start has made out of garbage collections, and make these rare: requests leave few cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 20)


class _Gateway(uvicorn.Server):
    """A server that lets those go who wait for events before it waits for the rest: they would stay forever."""

    def __init__(self, config: uvicorn.Config, watchers: Broadcaster) -> None:
        super().__init__(config)
        self._watchers = watchers

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; see uvicorn."""
        self._watchers.end()
        await super().shutdown(sockets)


def _log_config() -> dict[str, Any]:
    """Uvicorn's logging, with each line's request id, and with our own loggers in it."""
    config = copy.deepcopy(uvicorn.config.LOGGING_CONFIG)
    config["filters"] = {"request": {"()": RequestIdFilter}}
    for handler in config["handlers"].values():
        handler["filters"] = ["request"]
    for formatter in config["formatters"].values():
        formatter["fmt"] += "%(about)s"
    config["root"] = {"handlers": ["default"], "level": "WARNING"}
    return config


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out successful reads: clients that wait for a merge ask several times a second."""
    if not isinstance(record.args, tuple) or len(record.args) != 5:
        return True
    _, method, _, _, status = record.args
    return method not in {"GET", "HEAD"} or not isinstance(status, int) or status >= 400


if __name__ == "__main__":
    sys.exit(main())
