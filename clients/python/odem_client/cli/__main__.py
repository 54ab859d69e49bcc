"""`odem`: the command line of continual model merging as a service."""

import sys

import typer

from odem_client.cli import comparing, keeping, merging, preparing
from odem_client.cli.exits import FAILED, INTERRUPTED, status_of
from odem_client.cli.showing import say
from odem_client.errors import NotAuthenticated, OdemError, ProblemError, Unreachable

_EPILOG = (
    "Set the service with --url or ODEM_URL, the API key with --key or ODEM_KEY. "
    "Exit status: 0 success, 2 usage error, 3 refused, 4 not found, 5 not allowed, 6 service unavailable, "
    "10 rejected by the gate, 11 merge failed, 12 merge cancelled, 13 timeout, 1 any other error."
)
app = typer.Typer(
    help="Merge fine-tuned checkpoints into one model, one after another.\n\n"
    "Start with `odem lineages create`, then `odem merge`, then `odem pull`.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (merging.app, keeping.app, comparing.app, preparing.app):
    app.add_typer(part)


def main() -> None:
    """Run the command line; the exit status reports the result."""
    try:
        app(prog_name="odem")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OdemError as error:
        _explain(error)
        sys.exit(status_of(error))
    except KeyError as error:  # raised by a generated class for a missing required field
        say(f"odem: The response has no field {error}: service and client have different versions.")
        sys.exit(FAILED)
    except OSError as error:
        say(f"odem: {error}")
        sys.exit(FAILED)


def _explain(error: OdemError) -> None:
    say(f"odem: {error}")
    if isinstance(error, ProblemError):
        for invalid in error.errors:
            say(f"  {invalid.where}: {invalid.what}")
        for difference in error.differences[:20]:
            say(f"  {difference}")
        if error.request_id:
            say(f"  (request {error.request_id})")
    if isinstance(error, Unreachable):
        say(
            "  Is the service running? Set its address with --url or ODEM_URL; `make run` starts one on http://localhost:8000."
        )
    if isinstance(error, NotAuthenticated):
        say("  Set the API key in ODEM_KEY.")


if __name__ == "__main__":
    main()
