"""Options that all commands share, and the client that they configure."""

from pathlib import Path
from typing import Annotated

import typer

from odem_client.client import DEFAULT_LINEAGE, Odem
from odem_client.retries import Retries

_SERVICE = "Service"
Url = Annotated[str, typer.Option("--url", envvar="ODEM_URL", help="URL of the service.", rich_help_panel=_SERVICE)]
Key = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="ODEM_KEY",
        help="API key, if the service requires one. Prefer ODEM_KEY: other users can see command lines.",
        rich_help_panel=_SERVICE,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts and no progress.", rich_help_panel="Output")]
Lineage = Annotated[str, typer.Option("--lineage", "-l", help="The lineage.", envvar="ODEM_LINEAGE")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", help="Stop waiting after this many seconds; the merge continues.", min=0.0)
]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
LOCAL = "http://localhost:8000"
__all__ = ["DEFAULT_LINEAGE", "LOCAL", "File", "Json", "Key", "Lineage", "Timeout", "Url", "connect"]


def connect(url: str, key: str) -> Odem:
    """A client for the service that the options name."""
    return Odem(url, key or None, retries=Retries(attempts=4))
