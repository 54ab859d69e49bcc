"""`python -m service`: the gateway on uvicorn."""

import logging

import uvicorn

from service.app import create_app
from service.settings import GatewaySettings


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = GatewaySettings()
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


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out successful reads: clients that wait for a merge ask several times a second."""
    if not isinstance(record.args, tuple) or len(record.args) != 5:
        return True
    _, method, _, _, status = record.args
    return method not in {"GET", "HEAD"} or not isinstance(status, int) or status >= 400


if __name__ == "__main__":
    main()
