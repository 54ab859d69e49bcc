"""`odem diff`: what changed between two versions."""

from typing import Annotated

import typer

from odem_client.cli.options import LOCAL, Json, Key, Url, connect
from odem_client.cli.showing import print_json, print_table, say
from odem_client.generated.models import Scores

app = typer.Typer()


@app.command(rich_help_panel="Versions")
def diff(
    older: Annotated[str, typer.Argument(help="name@3, name@latest, name@alias.")],
    newer: Annotated[str, typer.Argument(help="The version to compare it with.")] = "latest",
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Show what changed between two versions: how far the weights moved, and the accuracy on each task's samples."""
    with connect(url, key) as odem:
        result = odem.diff(older, newer)
    if as_json:
        print_json(result)
        return
    moved = "identical weights"
    if result.tensors:
        far = "" if result.total.relative is None else f", by {result.total.relative:.2%} of the weights' norm"
        moved = f"{len(result.tensors)} tensors differ{far}; {result.unchanged} are unchanged"
    say(f"{result.a} -> {result.b}: {moved}")
    rows = ((task.name, _share(task.a), _share(task.b)) for task in result.tasks)
    print_table(("accuracy on", result.a, result.b), rows, "Neither version has a task.")


def _share(scores: Scores | None) -> str:
    if scores is None:
        return "no such task"
    return "not measured" if scores.accuracy is None else f"{scores.accuracy:.1%}"
