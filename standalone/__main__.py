"""``python -m standalone``: runs the whole service in one terminal."""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from standalone.child import Child
from standalone.console import Console
from standalone.lock import FolderInUse
from standalone.preflight import CannotListen, check_address, check_open, disk_warning
from standalone.readiness import announce, base_url
from standalone.restarts import RestartPolicy
from standalone.settings import Settings
from standalone.supervisor import Supervisor
from standalone.valkey import EmbeddedValkey, ValkeyFailed


def read_settings(arguments: list[str]) -> Settings:
    """Read the settings; the command line overrides the environment. Exits if one is invalid."""
    parser = argparse.ArgumentParser(
        prog="python -m standalone",
        description="Runs Valkey, the worker and the gateway in this terminal; Ctrl-C stops them.",
        epilog="All settings can be given as ODEM_* environment variables too: see docs/reference/settings.md.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--data-dir", type=Path, help="folder for everything that is kept (default .data)")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", help="port to listen on (default 8000)")
    parser.add_argument("--auth", action="store_true", help="ask for API keys; needed to listen beyond this machine")
    try:
        return Settings(**vars(parser.parse_args(arguments)))
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        parser.error("; ".join(wrong))


def children(settings: Settings, server: EmbeddedValkey) -> tuple[Child, ...]:
    """Return the three processes in the order in which they start."""
    environment = {
        "ODEM_REDIS_URL": server.url,
        "ODEM_BROKER_URL": server.broker_url,
        "ODEM_DATA_DIR": str(settings.data_dir.absolute()),
        "ODEM_HOST": settings.host,
        "ODEM_PORT": str(settings.port),
        "ODEM_AUTH": str(settings.auth),
    }
    return (
        Child("valkey", server.command, ready=server.is_ready, descriptors=(server.lock_descriptor,)),
        Child("worker", (sys.executable, "-m", "worker"), environment),
        Child("gateway", (sys.executable, "-m", "service"), environment),
    )


def serve(settings: Settings, console: Console) -> int:
    """Run the service until it is stopped, and return the exit status.

    Raises FolderInUse, CannotListen or ValkeyFailed before anything is started.
    """
    check_open(settings.host, auth=settings.auth)
    data = settings.data_dir.absolute()
    url = base_url(settings.host, settings.port)
    server = EmbeddedValkey(data / "valkey", settings.valkey_binary, settings.valkey_maxmemory)
    server.open()
    try:
        check_address(settings.host, settings.port)
        if warning := disk_warning(data, settings.low_disk_gib):
            console.say(f"warning: {warning}")
        supervisor = Supervisor(
            children(settings, server),
            console,
            RestartPolicy(settings.restart_limit, settings.restart_window),
            settings.stop_grace,
        )
        if not settings.auth:
            console.say(
                "warning: NOBODY IS ASKED FOR AN API KEY: everybody on this machine may read and change everything"
            )
        banner = _banner(url, data, server.url if settings.auth else None)
        return supervisor.run(lambda: announce(f"{url}/readyz", console, banner))
    finally:
        server.close()


def _banner(url: str, data: Path, state_url: str | None) -> str:
    """The text printed once the service is ready; given the state store's URL, with the command that creates a key."""
    line = "-" * 60
    keys = "nobody is asked for one; --auth changes that"
    if state_url is not None:
        keys = f"ODEM_REDIS_URL='{state_url}' {sys.executable} -m registry.admin keys create --name me --scope admin"
    rows = [f"ready at  {url}", f"read      {url}/docs", f"data in   {data}", f"API keys  {keys}", "stop with Ctrl-C"]
    return "\n".join([line, *rows, line])


def main() -> int:
    """Read the settings, serve, and print errors that prevent the start."""
    settings = read_settings(sys.argv[1:])
    console = Console(sys.stdout, colour=sys.stdout.isatty() and not settings.no_color)
    try:
        return serve(settings, console)
    except (FolderInUse, CannotListen, ValkeyFailed) as error:
        console.say(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
