"""`python -m service`: the gateway on uvicorn."""

import logging
import sys

import uvicorn

from registry.address import is_loopback
from service.app import create_app
from service.settings import GatewaySettings

_REFUSAL = (
    "error: without API keys the gateway listens on loopback addresses only, and {host!r} is none: whoever reaches it "
    "could read and change everything. Set ODEM_AUTH=on and make a key with `python -m registry.admin keys create`, or "
    "set ODEM_HOST=127.0.0.1.\n"
)
_OPEN = "NOBODY IS ASKED FOR AN API KEY (ODEM_AUTH is off): everybody on this machine may read and change everything."


def main() -> int:
    """Serve until SIGTERM or SIGINT, and return the exit status: 2 when the settings would lay everything open."""
    settings = GatewaySettings()
    if not settings.auth:
        if not is_loopback(settings.host):
            sys.stderr.write(_REFUSAL.format(host=settings.host))
            return 2
        sys.stderr.write(f"warning: {_OPEN}\n")
    logging.getLogger("uvicorn.access").addFilter(_worth_a_line)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        server_header=False,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
    )
    return 0


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out successful reads: clients that wait for a merge ask several times a second."""
    if not isinstance(record.args, tuple) or len(record.args) != 5:
        return True
    _, method, _, _, status = record.args
    return method not in {"GET", "HEAD"} or not isinstance(status, int) or status >= 400


if __name__ == "__main__":
    sys.exit(main())
