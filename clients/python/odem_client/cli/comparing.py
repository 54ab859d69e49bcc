"""What changed between two versions, from their records."""

from typing import Annotated, Any

import typer

from odem_client.cli.options import LOCAL, Json, Key, Url, connect
from odem_client.cli.showing import print_json, print_table, say
from odem_client.generated.models import VersionView
from odem_client.generated.types import Unset

app = typer.Typer()


@app.command(rich_help_panel="Versions")
def diff(
    older: Annotated[str, typer.Argument(help="name@3, name@latest, name@alias.")],
    newer: Annotated[str, typer.Argument(help="The version that it is compared with.")] = "latest",
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Show what changed between two versions: tasks, accuracy on their calibration samples, method, weights."""
    with connect(url, key) as odem:
        found = compare(odem.version(older), odem.version(newer))
    if as_json:
        print_json(found)
        return
    say(f"{found['older']} -> {found['newer']}: {'the same weights' if found['same_weights'] else 'other weights'}")
    rows = [(name, _share(told["older"]), _share(told["newer"]), told["what"]) for name, told in found["tasks"].items()]
    print_table(("task", found["older"], found["newer"], ""), rows, "Neither has a task.")


def compare(older: VersionView, newer: VersionView) -> dict[str, Any]:
    """Both versions' tasks with their accuracies, where their reports have them, as JSON."""
    names = list(dict.fromkeys(task.name for view in (older, newer) for task in view.tasks))
    before, after = ({task.name for task in view.tasks} for view in (older, newer))
    tasks = {
        name: {
            "what": "" if name in before and name in after else "added" if name in after else "gone",
            "older": _accuracy(older, name) if name in before else None,
            "newer": _accuracy(newer, name) if name in after else None,
        }
        for name in names
    }
    return {
        "older": older.reference,
        "newer": newer.reference,
        "same_weights": older.weights == newer.weights,
        "methods": [_method(older), _method(newer)],
        "tasks": tasks,
    }


def _method(view: VersionView) -> str | None:
    return None if view.provenance is None else str(view.provenance.recipe.method)


def _accuracy(view: VersionView, task: str) -> float | None:
    report = {} if isinstance(view.report, Unset) or view.report is None else view.report.to_dict()
    told = (report.get("tasks") or {}).get(task) or {}
    found = (told.get("after") or {}).get("accuracy")
    return None if found is None else float(found)


def _share(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{accuracy:.1%}"
