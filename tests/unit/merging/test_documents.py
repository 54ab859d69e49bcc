"""docs/reference/ode-m.md: its example runs, and its table is the table of fields."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from merging.ode.parameters import PARAMETERS

DOCUMENT = (Path(__file__).parents[3] / "docs" / "reference" / "ode-m.md").read_text()


def test_the_ten_line_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    result = re.search(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert result is not None
    code = result.group(1)
    assert len([line for line in code.splitlines() if line and not line.startswith(("import", "from"))]) <= 10
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["outcome"].report.status == "completed"
    assert names["outcome"].report.operating_time == 0.5
    assert "The path ended at 0.5." in capsys.readouterr().out


def test_the_table_of_the_recipe_is_complete_and_right() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", DOCUMENT, re.MULTILINE))
    assert list(rows) == list(PARAMETERS)
    for name, field in PARAMETERS.items():
        released = json.dumps(field.presets["released"]) if "released" in field.presets else ""
        assert rows[name] == " | ".join([json.dumps(field.default), released, field.allowed(), field.doc])
