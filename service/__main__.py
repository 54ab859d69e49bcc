"""`python -m service`: run the gateway on uvicorn."""

import contextlib
import gc
import logging
import sys

from registry.logging_config import handler as log_handler
from registry.networks import is_loopback
from service.app import create_app
from service.auth.request_state import RequestIdFilter
from service.events.broadcaster import Broadcaster
from service.server.gateway_server import STARTUP_FAILURE, GatewayServer, plain_log_config
from service.settings import GatewaySettings

_NOT_LOOPBACK = (
    "error: {host!r} is not a loopback address, and authentication is disabled (ODEM_AUTH=off): anyone who reaches it "
    "could read and change everything. Set ODEM_AUTH=on and create a key with `python -m registry.admin keys create`, "
    "or set ODEM_HOST=127.0.0.1.\n"
)
_AUTH_DISABLED = (
    "warning: authentication is disabled (ODEM_AUTH=off): anyone on this machine can read and change everything.\n"
)
_COLLECTION_THRESHOLD = 20_000
"""Container objects, allocated and not yet freed, that start a collection of the youngest; Python's default is 700."""


def main() -> int:
    """Serve until SIGTERM or SIGINT.

    Returns the exit status: 2 when the settings would expose the gateway without authentication, 3 when it did not
    start.
    """
    settings = GatewaySettings.read()
    if not settings.auth:
        if not is_loopback(settings.host):
            sys.stderr.write(_NOT_LOOPBACK.format(host=settings.host))
            return 2
        sys.stderr.write(_AUTH_DISABLED)
    logging.getLogger("uvicorn.access").addFilter(_is_logged)
    log_config = None
    if settings.log_format == "json":
        json_handler = log_handler("json")
        json_handler.addFilter(RequestIdFilter())
        logging.basicConfig(level=logging.INFO, handlers=[json_handler])
    else:
        log_config = plain_log_config(RequestIdFilter, "%(about)s")
    app = create_app(settings)
    # Event streams stay open for an hour: without this, shutdown would wait for them.
    server = GatewayServer(app, settings, log_config, before_shutdown=app.state.services.get(Broadcaster).end)
    _collect_garbage_rarely()
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else STARTUP_FAILURE


def _collect_garbage_rarely() -> None:
    """Exclude what startup allocated from garbage collection, and collect rarely: requests leave few cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTION_THRESHOLD, 20, 20)


def _is_logged(record: logging.LogRecord) -> bool:
    """Whether an access log record is written. Successful reads are not: clients poll merges several times a second."""
    if not isinstance(record.args, tuple) or len(record.args) != 5:
        return True
    _, method, _, _, status = record.args
    return method not in {"GET", "HEAD"} or not isinstance(status, int) or status >= 400


if __name__ == "__main__":
    sys.exit(main())
