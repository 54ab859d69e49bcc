"""Commands for versions, aliases and lineages."""

import json
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from odem_client.cli.options import DEFAULT_LINEAGE, LOCAL, Json, Key, Lineage, Url, connect
from odem_client.cli.showing import print_json, print_table, say, size, transfer_bars
from odem_client.generated.models import VersionView

_VERSIONS = "Versions"
_LINEAGES = "Lineages"
Reference = Annotated[
    str, typer.Argument(help="name@3, name@latest or name@alias; without name@, a version of the lineage `default`.")
]
app = typer.Typer()
lineages_app = typer.Typer()
app.add_typer(lineages_app, name="lineages", rich_help_panel=_LINEAGES)


@app.command(rich_help_panel=_VERSIONS)
def pull(
    version: Reference = "latest",
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Target folder; created if missing.")] = Path("model"),
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Download a version's weights and open_clip config into a folder, and verify them.

    Interrupted downloads resume; existing files are skipped. Load the folder with
    open_clip.create_model_and_transforms("local-dir:model").
    """
    with connect(url, key) as odem:
        result = odem.version(version)
        with transfer_bars(result.reference, quiet=as_json) as progress:
            pulled = odem.pull(result, folder, progress)
    if as_json:
        paths = {"weights": str(pulled.weights), "config": pulled.config and str(pulled.config)}
        summary = {"reference": pulled.reference, "digest": pulled.digest, "received": pulled.received}
        print_json({**summary, **paths})
    else:
        typer.echo(pulled.weights)
        say(f"{pulled.reference}, {size(result.size)}" + ("" if pulled.received else ": already there"))


@app.command(rich_help_panel=_VERSIONS)
def models(
    version: Annotated[str | None, typer.Argument(help="Show this version: name@3, latest, an alias.")] = None,
    lineage: Lineage = DEFAULT_LINEAGE,
    limit: Annotated[int, typer.Option(help="Maximum number of entries.", min=1)] = 20,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """List a lineage's versions, newest first, or show one."""
    with connect(url, key) as odem:
        listed = list(islice(odem.versions(lineage), limit)) if version is None else [odem.version(version)]
    if as_json:
        print_json(listed if version is None else listed[0])
        return
    columns = ("version", "tasks", "size", "made", "from")
    print_table(columns, ((*_row(item), item.origin or _method(item)) for item in listed), "No versions.")


def _row(item: VersionView) -> tuple[object, ...]:
    names = ", ".join(task.name for task in item.tasks) or "-"
    return (item.reference + (" (retired)" if item.retired_at else ""), names, size(item.size), item.created_at)


def _method(item: VersionView) -> str:
    return "the base" if item.provenance is None else str(item.provenance.recipe.method)


@app.command(rich_help_panel=_VERSIONS)
def alias(
    name: Annotated[str | None, typer.Argument(help="The alias, such as production.")] = None,
    version: Annotated[
        str | None, typer.Argument(help="Move the alias to this version: a number, latest, or another alias.")
    ] = None,
    lineage: Lineage = DEFAULT_LINEAGE,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the alias.")] = False,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """List a lineage's aliases, show one, or move it: `odem alias production 3`."""
    if delete and (name is None or version is not None):
        raise typer.BadParameter("--delete takes only the alias's name")
    with connect(url, key) as odem:
        if delete and name is not None:
            odem.delete_alias(lineage, name)
            return
        if name is None:
            result = odem.aliases(lineage)
        else:
            result = [odem.alias(lineage, name) if version is None else odem.set_alias(lineage, name, version)]
    if as_json:
        print_json(result if name is None else result[0])
    else:
        rows = ((item.name, item.version, item.updated_at) for item in result)
        print_table(("alias", "version", "moved"), rows, f"The lineage {lineage} has no aliases.")


@app.command(rich_help_panel=_VERSIONS)
def rollback(
    version: Annotated[str, typer.Argument(help="The version to repeat: a number or an alias.")],
    lineage: Lineage = DEFAULT_LINEAGE,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Create a new version that repeats an older one. Nothing is deleted; the next merge starts from it."""
    with connect(url, key) as odem:
        made = odem.rollback(lineage, version)
    if as_json:
        print_json(made)
    else:
        say(f"{made.reference} repeats {made.origin}")


@lineages_app.callback(invoke_without_command=True)
def list_lineages(context: typer.Context, url: Url = LOCAL, key: Key = "", as_json: Json = False) -> None:
    """List all lineages; with a subcommand, show, create or branch one."""
    if context.invoked_subcommand is not None:
        return
    with connect(url, key) as odem:
        result = odem.lineages()
    if as_json:
        print_json(result)
    else:
        rows = ((item.name, item.head, item.recipe.method, item.created_at) for item in result)
        print_table(
            ("lineage", "head", "method", "created"), rows, "No lineages yet. Create one with `odem lineages create`."
        )


@lineages_app.command("show")
def show_lineage(
    name: Annotated[str, typer.Argument()] = DEFAULT_LINEAGE, url: Url = LOCAL, key: Key = "", as_json: Json = False
) -> None:
    """Show a lineage as JSON: architecture, base, recipe, gate, budget."""
    del as_json
    with connect(url, key) as odem:
        print_json(odem.lineage(name))


@lineages_app.command("create")
def create_lineage(
    name: Annotated[str, typer.Argument(help="The lineage's name.")] = DEFAULT_LINEAGE,
    base: Annotated[
        str, typer.Option(help="The pretrained weights: a safetensors file or a digest.", show_default=False)
    ] = ...,  # type: ignore[assignment]
    architecture: Annotated[
        str | None,
        typer.Option(help="An open_clip model such as ViT-B-32, or a .json file. Omit it for data-free methods only."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="Default merge method of the lineage.", show_default="ode with an architecture, aswudi without one"
        ),
    ] = None,
    budget: Annotated[int, typer.Option(help="Size of the calibration memory: samples of all tasks together.")] = 1024,
    max_drop: Annotated[
        float | None, typer.Option(help="Reject merges that lower the accuracy of an earlier task by more than this.")
    ] = None,
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Create a lineage from pretrained weights, which become its version 0."""
    more: dict[str, Any] = {"calibration_budget": budget}
    if method is not None:
        more["recipe"] = {"method": method}
    if max_drop is not None:
        more["gate"] = {"max_drop": max_drop}
    drawn: str | dict[str, Any] | None = architecture
    if architecture is not None and architecture.endswith(".json"):
        document = json.loads(Path(architecture).read_text())
        drawn = document.get("architecture", document)
    if not base.startswith("sha256:") and not Path(base).is_file():
        raise typer.BadParameter(f"file {base} does not exist")
    with connect(url, key) as odem, transfer_bars(Path(base).name, quiet=as_json) as progress:
        made = odem.create_lineage(name, base=base, architecture=drawn, progress=progress, **more)
    if as_json:
        print_json(made)
    else:
        say(f"The lineage {made.name} starts at {made.head}")


@lineages_app.command("branch")
def branch_lineage(
    name: Annotated[str, typer.Argument(help="The new lineage's name.")],
    lineage: Lineage = DEFAULT_LINEAGE,
    version: Annotated[
        str, typer.Option(help="The version that it starts from: a number, latest or an alias.")
    ] = "latest",
    url: Url = LOCAL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Create a lineage that starts from a version of another one."""
    with connect(url, key) as odem:
        made = odem.branch(lineage, name, version)
    if as_json:
        print_json(made)
    else:
        say(f"The lineage {made.name} starts from {made.origin}")
