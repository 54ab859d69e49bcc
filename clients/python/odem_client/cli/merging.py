"""Commands that upload checkpoints, merge them and follow merges."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from odem_client.cli.options import DEFAULT_LINEAGE, LOCAL, Json, Key, Lineage, Timeout, Url, connect
from odem_client.cli.showing import line, merge_bar, print_json, print_table, say, summary, transfer_bars
from odem_client.client import Odem
from odem_client.generated.models import MergeView

_TASK = "Task"
_PANEL = "Merge"
Wait = Annotated[bool, typer.Option(help="Wait until the merge has ended; the exit status reports the result.")]
app = typer.Typer()


@app.command(rich_help_panel=_PANEL)
def push(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="safetensors files.")],
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Upload files without merging them, and print their digests.

    Files that the service already has are skipped; interrupted uploads resume. `odem merge` and
    `odem lineages create` accept the digest instead of the file.
    """
    with connect(url, key) as odem:
        sent = []
        for file in files:
            with transfer_bars(file.name, quiet=as_json) as progress:
                sent.append({"file": str(file), "digest": odem.upload(file, progress)})
    if as_json:
        print_json({"blobs": sent})
    else:
        for item in sent:
            typer.echo(f"{item['digest']}  {item['file']}")


def _task(given: str, classnames: Sequence[str], templates: Sequence[str], utility: float | None) -> dict[str, Any]:
    """The task's document: from a JSON file (a task, or a merge's document with a task), or from options."""
    document: dict[str, Any] = {"name": given}
    if given.endswith(".json"):
        document = _read(Path(given))
        document = document.get("task", document)
    given_options = {"classnames": list(classnames), "templates": list(templates), "utility": utility}
    return document | {name: value for name, value in given_options.items() if value not in ([], None)}


def _read(file: Path) -> dict[str, Any]:
    try:
        result = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} is not a readable JSON file: {error}") from error
    if not isinstance(result, dict):
        raise typer.BadParameter(f"{file} does not contain a JSON object")
    return result


def _recipe(method: str | None, recipe: str | None) -> dict[str, Any] | None:
    if recipe is None:
        return None if method is None else {"method": method}
    try:
        result = _read(Path(recipe)) if recipe.endswith(".json") else json.loads(recipe)
    except ValueError as error:
        raise typer.BadParameter(f"--recipe is neither valid JSON nor the name of a .json file: {error}") from error
    return dict(result) | ({} if method is None else {"method": method})


def _labels(given: Sequence[str]) -> dict[str, str]:
    if bad := [item for item in given if "=" not in item]:
        raise typer.BadParameter(f"--label must have the form NAME=VALUE, not {bad[0]}")
    return dict(item.split("=", 1) for item in given)


@app.command(rich_help_panel=_PANEL)
def merge(
    checkpoint: Annotated[str, typer.Argument(help="The fine-tuned weights: a safetensors file or a digest.")],
    task: Annotated[
        str,
        typer.Option("--task", "-t", help="The task's name, or a .json file that describes it.", rich_help_panel=_TASK),
    ],
    calibration: Annotated[
        str | None,
        typer.Option(
            "--calibration", "-c", help="Calibration samples of the task (see `odem calibrate`): a file or a digest."
        ),
    ] = None,
    lineage: Lineage = DEFAULT_LINEAGE,
    classname: Annotated[
        list[str] | None,
        typer.Option(help="A class name; repeat it for each label, label 0 first.", rich_help_panel=_TASK),
    ] = None,
    template: Annotated[
        list[str] | None, typer.Option(help='A prompt such as "a photo of a {}."; repeatable.', rich_help_panel=_TASK)
    ] = None,
    utility: Annotated[float | None, typer.Option(help="The task's importance.", rich_help_panel=_TASK)] = None,
    method: Annotated[
        str | None, typer.Option(help="Merge method, instead of the lineage's: ode, average, ...")
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="Parameters of the method: JSON or a .json file.")] = None,
    max_drop: Annotated[
        float | None, typer.Option(help="Reject the merge if the accuracy of an earlier task drops by more than this.")
    ] = None,
    label: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, stored with the merge; repeatable.")] = None,
    wait: Wait = True,
    timeout: Timeout = None,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Merge a fine-tuned checkpoint into the newest version of a lineage.

    Example: odem merge eurosat.safetensors --task eurosat.json --calibration eurosat.calibration.safetensors
    """
    document = _task(task, classname or (), template or (), utility)
    settings = _recipe(method, recipe)
    labels = _labels(label or ())
    for file in (checkpoint, calibration):
        if file is not None and not file.startswith("sha256:") and not Path(file).is_file():
            raise typer.BadParameter(f"file {file} does not exist")
    with connect(url, key) as odem:
        odem.lineage(lineage)  # fails before gigabytes are sent
        with transfer_bars(Path(checkpoint).name, quiet=as_json) as progress:
            made = odem.merge(
                checkpoint,
                task=document,
                calibration=calibration,
                lineage=lineage,
                recipe=settings,
                gate=None if max_drop is None else {"max_drop": max_drop},
                labels=labels,
                progress=progress,
            )
        _queued(odem, made, wait, timeout, as_json)


@app.command("remove-task", rich_help_panel=_PANEL)
def remove_task(
    task: Annotated[str, typer.Argument(help="The task to take out of the newest version.")],
    checkpoint: Annotated[
        str | None, typer.Option(help="Digest of the task's checkpoint; another one is refused.")
    ] = None,
    lineage: Lineage = DEFAULT_LINEAGE,
    wait: Wait = True,
    timeout: Timeout = None,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Create a version as if a task had never been merged, for methods whose state is sums."""
    with connect(url, key) as odem:
        _queued(odem, odem.remove_task(lineage, task, checkpoint), wait, timeout, as_json)


@app.command(rich_help_panel=_PANEL)
def join(
    other: Annotated[str, typer.Argument(help="The lineage whose tasks are added; it has the same base.")],
    version: Annotated[str, typer.Option(help="Its version: a number, latest or an alias.")] = "latest",
    lineage: Lineage = DEFAULT_LINEAGE,
    wait: Wait = True,
    timeout: Timeout = None,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Create a version with the tasks of two lineages, for methods whose state is sums."""
    with connect(url, key) as odem:
        _queued(odem, odem.join(lineage, other, version), wait, timeout, as_json)


@app.command(rich_help_panel=_PANEL)
def recompute(
    method: Annotated[str, typer.Argument(help="Merge method whose state is sums: aswudi, swudi, iso_c, ...")],
    recipe: Annotated[str | None, typer.Option(help="Parameters of the method: JSON or a .json file.")] = None,
    lineage: Lineage = DEFAULT_LINEAGE,
    wait: Wait = True,
    timeout: Timeout = None,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Create a version of the same tasks by another method, from the newest version's state alone."""
    with connect(url, key) as odem:
        _queued(odem, odem.recompute(lineage, _recipe(method, recipe) or {}), wait, timeout, as_json)


def _queued(odem: Odem, made: MergeView, wait: bool, timeout: float | None, as_json: bool) -> None:
    """Report a queued merge: its end, or without waiting its ID."""
    if wait:
        _follow(odem, made.id, timeout, as_json)
    else:
        print_json(made) if as_json else typer.echo(made.id)


def _follow(odem: Odem, merge_id: str, timeout: float | None, as_json: bool) -> None:
    if not as_json:
        say(f"{merge_id} is queued. Ctrl-C stops waiting, not the merge; `odem watch {merge_id}` follows it again.")
    with merge_bar(quiet=as_json) as progress:
        ended = odem.wait(merge_id, timeout, progress)
    print_json(ended) if as_json else summary(ended)


@app.command(rich_help_panel=_PANEL)
def watch(
    what: Annotated[str, typer.Argument(help="A merge ID (mrg_...) or a lineage's name.")] = DEFAULT_LINEAGE,
    timeout: Timeout = None,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Follow a merge until it has ended, or a lineage until Ctrl-C.

    The exit status reports the result of a merge. With --json, a lineage's events are printed one per line.
    """
    with connect(url, key) as odem:
        if what.startswith("mrg_"):
            _follow(odem, what, timeout, as_json)
            return
        for event in odem.watch_lineage(what):
            typer.echo(json.dumps(event.to_dict()) if as_json else line(event))


@app.command(rich_help_panel=_PANEL)
def merges(
    merge_id: Annotated[str | None, typer.Argument(help="Show this merge with its report.")] = None,
    lineage: Lineage = DEFAULT_LINEAGE,
    limit: Annotated[int, typer.Option(help="Maximum number of entries.", min=1)] = 20,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """List a lineage's merges, newest first, or show one."""
    with connect(url, key) as odem:
        if merge_id is not None:
            result = odem.merge_view(merge_id)
            print_json(result) if as_json else summary(result)
            return
        listed = list(islice(odem.merges(lineage), limit))
    if as_json:
        print_json(listed)
        return
    columns = ("merge", "state", "task", "method", "version", "created")
    rows = ((m.id, m.state.value, m.task.name, m.recipe.method, m.version, m.created_at) for m in listed)
    print_table(columns, rows, f"The lineage {lineage} has no merges yet. Start one with `odem merge`.")


@app.command(rich_help_panel=_PANEL)
def cancel(
    merge_id: Annotated[str, typer.Argument(help="The merge ID.")],
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Cancel a merge: a queued one at once, a running one at its next step."""
    with connect(url, key) as odem:
        result = odem.cancel(merge_id)
    if as_json:
        print_json(result)
    else:
        say(
            f"{result.id} is {result.state.value}"
            + ("; it stops at its next step" if result.state.value == "running" else "")
        )
