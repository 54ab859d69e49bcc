"""`python -m worker.recipe_table`: copy the engine's table of recipe fields to where the gateway reads it.

The gateway has no torch and imports nothing of the worker, so it keeps a copy; a test holds the two equal.
"""

import dataclasses
import json
from importlib import resources
from pathlib import Path

from merging.ode_recipe import RECIPE_FIELDS


def table() -> dict[str, dict[str, object]]:
    """The table as JSON values, without what presets set: that stays the engine's business."""
    rows = {name: dataclasses.asdict(field) for name, field in RECIPE_FIELDS.items()}
    for row in rows.values():
        del row["released"]
    copied: dict[str, dict[str, object]] = json.loads(json.dumps(rows))
    return copied


def main() -> None:
    """Write the copy, one field a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in table().items()]
    Path(str(resources.files("registry").joinpath("ode_recipe.json"))).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
