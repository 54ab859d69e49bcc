"""The options that all commands take, and the client that they make."""

from pathlib import Path
from typing import Annotated

import typer

from odem_client.client import DEFAULT_LINEAGE, Odem
from odem_client.retries import Retries

_SERVICE = "Service"
Url = Annotated[str, typer.Option("--url", envvar="ODEM_URL", help="Where the service is.", rich_help_panel=_SERVICE)]
Key = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="ODEM_KEY",
        help="API key, where the service asks for one. Better set ODEM_KEY: commands are seen by others.",
        rich_help_panel=_SERVICE,
        show_default=False,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON for scripts, and no progress.", rich_help_panel="Output")
]
Lineage = Annotated[str, typer.Option("--lineage", "-l", help="Which lineage.", envvar="ODEM_LINEAGE")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", help="Wait this many seconds at most; the merge goes on.", min=0.0)
]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
LOCAL = "http://localhost:8000"
__all__ = ["DEFAULT_LINEAGE", "LOCAL", "File", "Json", "Key", "Lineage", "Timeout", "Url", "connect"]


def connect(url: str, key: str) -> Odem:
    """The client of the service that the options name."""
    return Odem(url, key or None, retries=Retries(attempts=4))
