"""The gateway in this process, on its own HTTP server and event loop, so that a test can make its disk slow."""

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import uvloop

from benchmarks.harness.processes import eventually
from service.app import create_app
from service.pipeline.dependencies import Services
from service.server.gateway_server import GatewayServer
from service.settings import GatewaySettings


@dataclass(frozen=True)
class Served:
    """A gateway that listens, its services, and a client of it."""

    port: int
    services: Services
    http: httpx.Client

    def connect(self) -> socket.socket:
        """A connection of its own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=90)


@contextmanager
def served(settings: GatewaySettings) -> Iterator["Served"]:
    """Serve while the block runs."""
    app = create_app(settings)
    server = GatewayServer(app, settings.model_copy(update={"shutdown_seconds": 2.0}))
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with contextlib.closing(listener), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve([listener]))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        eventually(lambda: server.started, "the gateway listens")
        port = listener.getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90, trust_env=False) as http:
            yield Served(port, app.state.services, http)
    finally:
        server.should_exit = True
        thread.join()


class SlowDisk:
    """A disk operation that blocks until the test sets `resume`."""

    def __init__(self, operation: Callable[..., object]) -> None:
        self.reached = threading.Event()
        self.resume = threading.Event()

        @functools.wraps(operation)
        def slow(*arguments: object, **more: object) -> object:
            self.reached.set()
            assert self.resume.wait(300)
            return operation(*arguments, **more)

        self.operation = slow
