"""`python -m service`: the gateway on uvicorn."""

import uvicorn

from service.app import create_app
from service.settings import GatewaySettings


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = GatewaySettings()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        server_header=False,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
    )


if __name__ == "__main__":
    main()
