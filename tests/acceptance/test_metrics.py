"""What /metrics says of a running service, and that dashboard and alerts ask for nothing else."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.harness.processes import ROOT, eventually
from tests.acceptance.api import Api
from tests.acceptance.material import TASKS, Material

pytestmark = pytest.mark.slow
_FOR_GPUS_OR_LATER = {
    "odem_worker_gpu_peak_bytes",
    "odem_worker_gpu_used_bytes",
    "odem_worker_gpu_size_bytes",
    "odem_merge_retries_total",
    "odem_worker_disk_free_bytes",
}
"""Families that are there, but empty until a GPU or a mishap comes."""


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The samples of a metrics text, by name."""
    matches: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            matches.setdefault(sample.name, []).append((sample.labels, sample.value))
    return matches


@pytest.fixture(scope="module")
def text(api: Api, material: Material, lineage: Callable[..., str]) -> str:
    """Return the metrics after two merges of the lineage `measured`."""
    name = lineage("measured")
    for task in TASKS[:2]:
        document = {"lineage": name, "task": task.document, "recipe": {"method": "ode"}}
        api.wait_success(api.merge(document, material.visual[task.name], material.calibration[task.name]))

    def counted() -> str | None:
        matches = api.http.get("/metrics")
        assert matches.headers["content-type"].startswith("text/plain; version=0.0.4")
        values = samples(matches.text)
        done = "odem_gradient_evaluations_total" in values and "odem_worker_seen_seconds" in values
        return matches.text if done else None

    return str(eventually(counted, "the merge in the figures"))


def test_requests_and_their_bytes_are_counted_by_the_template_of_their_route(text: str, material: Material) -> None:
    matches = samples(text)
    asked = [(labels, value) for labels, value in matches["odem_http_requests_total"] if labels["route"] == "/merge"]
    assert any(labels["status"] == "202" and value >= 1 for labels, value in asked)
    received = sum(v for labels, v in matches["odem_http_received_bytes_total"] if labels["route"] == "/merge")
    assert received > material.visual[TASKS[0].name].stat().st_size
    routes = {labels["route"] for labels, _ in matches["odem_http_requests_total"]}
    assert not [route for route in routes if "measured" in route or "mrg_" in route], "ids would be labels without end"


def test_a_merge_is_counted_timed_by_phase_and_its_gradients_summed(text: str) -> None:
    matches = samples(text)
    assert any(labels == {"method": "ode", "outcome": "succeeded"} for labels, _ in matches["odem_merges_total"])
    seconds = {
        labels["phase"]: value for labels, value in matches["odem_merge_seconds_sum"] if labels["method"] == "ode"
    }
    assert sum(value for labels, value in matches["odem_gradient_evaluations_total"] if labels["method"] == "ode") > 0
    assert {"opening", "loading", "evaluating", "writing", "all"} <= set(seconds)
    assert sum(value for phase, value in seconds.items() if phase != "all") == pytest.approx(seconds["all"], rel=0.05)
    assert ({"lineage": "measured"}, 0.0) in matches["odem_queue_depth"]
    assert ({"lineage": "measured"}, 3.0) in matches["odem_versions"]


def test_prometheus_s_own_linter_finds_nothing(text: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine (Debian: apt-get install prometheus)")
    for command, given in (
        ([promtool, "check", "metrics"], text),
        ([promtool, "check", "rules", str(ROOT / "docker" / "prometheus" / "rules.yml")], ""),
    ):
        result = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr


@pytest.mark.parametrize("file", ["docker/grafana/dashboards/odem.json", "docker/prometheus/rules.yml"])
def test_dashboard_and_alerts_ask_for_metrics_that_there_are(text: str, file: str) -> None:
    asked = _asked(ROOT / file)
    assert asked
    assert asked <= set(samples(text)) | _FOR_GPUS_OR_LATER
    declared = set(re.findall(r"^# TYPE (\w+)", text, flags=re.MULTILINE))
    assert {name.removesuffix("_total") for name in _FOR_GPUS_OR_LATER} <= {n.removesuffix("_total") for n in declared}


def _asked(path: Path) -> set[str]:
    text = path.read_text()
    if path.suffix == ".json":
        panels = json.loads(text)["panels"]
        assert len({panel["title"] for panel in panels}) == len(panels) == len({panel["id"] for panel in panels})
        text = "\n".join(target["expr"] for panel in panels for target in panel["targets"])
    return set(re.findall(r"\bodem_[a-z_]+", text))
