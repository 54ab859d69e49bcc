"""The quality benchmark in its reduced form: models made from nothing, merged by all methods; ODE-M keeps its lead."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LEAD = 0.03


def test_ode_m_keeps_its_lead_over_averaging(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.quality", "--quick", "--models", "zoo"]
    command += ["--cache", str(tmp_path), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    metrics = json.loads(done.stdout.splitlines()[-1])["zoo"]
    of_methods = {"acc", "worst", "bwt", "kept", "evaluations"}
    assert metrics.keys() == {"base", "finetuned", *of_methods, "utility_weighted", "ceiling"}
    acc = metrics["acc"]
    assert acc.keys() >= {"average", "task_arithmetic", "ties", "magmax", "opcm", "replay", "ODE-M, default"}
    assert acc["ODE-M, default"] > acc["average"] + LEAD
    assert metrics["worst"]["ODE-M, default"] > metrics["worst"]["average"]
    report = (tmp_path / "quality.md").read_text()
    assert f"| ODE-M, default | {100 * acc['ODE-M, default']:.1f}" in report
    assert all(acc.keys() == metrics[key].keys() for key in of_methods)
    assert (tmp_path / "zoo.png").stat().st_size > 10_000
