"""uvicorn server of the gateway: its configuration, log format and shutdown."""

import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.logging import AccessFormatter, DefaultFormatter

from registry.networks import parse_networks
from service.server.protocol import protocol_class
from service.settings import GatewaySettings

STARTUP_FAILURE = 3
"""Exit status of a process whose server did not start, as uvicorn's own command uses it."""
_SENDFILE_THREADS = 8


class GatewayServer(uvicorn.Server):
    """Serves an ASGI application with the settings of the gateway.

    log_config: for `logging.config.dictConfig`; None leaves logging as it is. before_shutdown: called before the server
    waits for open responses, to end those that would never end by themselves.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: GatewaySettings,
        log_config: dict[str, Any] | None = None,
        before_shutdown: Callable[[], object] | None = None,
    ) -> None:
        executor = ThreadPoolExecutor(_SENDFILE_THREADS, "sendfile")
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=protocol_class(settings, executor),
            ws="none",
            lifespan="on",
            server_header=False,
            # uvicorn's default believes X-Forwarded-For of any client on this machine.
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=[str(network) for network in parse_networks(settings.trusted_proxies)],
            log_config=log_config,
            timeout_graceful_shutdown=int(settings.shutdown_seconds),
        )
        super().__init__(config)
        self._before_shutdown = before_shutdown

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; see uvicorn."""
        if self._before_shutdown is not None:
            self._before_shutdown()
        await super().shutdown(sockets)


def plain_log_config(request_filter: type[logging.Filter], suffix: str) -> dict[str, Any]:
    """Log configuration in uvicorn's plain format, to which the root logger writes too.

    request_filter: gives each record the attribute that `suffix`, such as `%(about)s`, appends to its line.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": request_filter}},
        "formatters": {
            "default": {"()": DefaultFormatter, "fmt": f"%(levelprefix)s %(message)s{suffix}"},
            "access": {
                "()": AccessFormatter,
                "fmt": f'%(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s{suffix}',
            },
        },
        "handlers": {
            "default": _handler("default", "ext://sys.stderr"),
            "access": _handler("access", "ext://sys.stdout"),
        },
        "loggers": {
            "uvicorn": {"handlers": ["default"], "level": "INFO", "propagate": False},
            "uvicorn.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
        },
        "root": {"handlers": ["default"], "level": "WARNING"},
    }


def _handler(formatter: str, stream: str) -> dict[str, Any]:
    return {"class": "logging.StreamHandler", "formatter": formatter, "filters": ["request"], "stream": stream}
