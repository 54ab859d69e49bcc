"""`odem`, as people and scripts run it: a real process, its words and its exit status."""

import contextlib
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.stack import Stack
from odem_client import Odem
from odem_client.cli.__main__ import main
from odem_client.cli.exits import status_of
from odem_client.errors import MergeFailed, MergeNotSucceeded, OdemError, ProblemError
from tests.clients.material import CLIENT, ROOT


@dataclass(frozen=True)
class Output:
    stdout: str
    stderr: str


Run = Callable[..., Output]


@pytest.fixture
def run(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `odem` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ODEM_URL", gateway.url)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: object, status: int = 0) -> Output:
        monkeypatch.setattr(sys, "argv", ["odem", *map(str, arguments)])
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as end:
                code = end.code or 0
        output = Output(out.getvalue(), err.getvalue())
        assert code == status, f"{arguments}: {code}\n{output.stdout}\n{output.stderr}"
        return output

    return run


@pytest.fixture
def process(service: Stack, tmp_path: Path) -> Run:
    """Run `odem` in a process of its own, against the whole service."""

    def run(*arguments: object) -> Output:
        done = subprocess.run(
            [sys.executable, "-m", "odem_client.cli", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(CLIENT), "ODEM_URL": service.url},
            capture_output=True,
            text=True,
            check=True,
        )
        return Output(done.stdout, done.stderr)

    return run


@pytest.fixture
def lineage(odem: Odem, plain: tuple[Path, Path]) -> str:
    name = f"l-{uuid.uuid4().hex[:8]}"
    odem.create_lineage(name, base=plain[0], recipe={"method": "average"})
    return name


def test_help_names_every_command_and_every_exit_status(run: Run) -> None:
    output = " ".join(run("--help").stdout.split())
    commands = (
        "push merge remove-task join recompute watch merges cancel pull models alias rollback diff lineages calibrate "
        "convert"
    )
    assert not [name for name in commands.split() if f" {name} " not in output]
    reported = (ROOT / "docs" / "reference" / "clients.md").read_text()
    for status in (2, 3, 4, 5, 6, 10, 11, 12, 13):
        assert f"{status} " in output
        assert f"| {status} |" in reported


def test_every_client_error_has_a_documented_exit_status() -> None:
    kinds = [OdemError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    named = {status_of(kind.__new__(kind)) for kind in kinds if issubclass(kind, ProblemError | MergeNotSucceeded)}
    assert named == {1, 3, 4, 5, 6, 10, 11, 12}
    assert status_of(MergeFailed.__new__(MergeFailed)) == 11


def test_lineages_versions_and_aliases_from_the_command_line(run: Run, plain: tuple[Path, Path]) -> None:
    name = f"l-{uuid.uuid4().hex[:8]}"
    digest = run("push", plain[0]).stdout.split()[0]
    assert json.loads(run("push", plain[0], "--json").stdout)["blobs"][0]["digest"] == digest
    assert f"{name}@0" in run("lineages", "create", name, "--base", digest, "--method", "average").stderr
    assert name in run("lineages").stdout
    assert json.loads(run("lineages", "show", name).stdout)["base"] == digest
    assert "the base" in run("models", "-l", name).stdout
    assert json.loads(run("models", f"{name}@0", "--json").stdout)["weights"] == digest
    assert f"{name}@0" in run("alias", "production", "0", "-l", name).stdout
    assert [item["name"] for item in json.loads(run("alias", "-l", name, "--json").stdout)] == ["production"]
    run("alias", "production", "-l", name, "--delete")
    assert "no aliases" in run("alias", "-l", name).stderr
    assert f"{name}@1 repeats {name}@0" in run("rollback", "0", "-l", name).stderr
    assert f"{name}@1" in run("lineages", "branch", f"{name}-b", "-l", name).stderr


def test_pulling_prints_where_the_weights_are(run: Run, lineage: str, tmp_path: Path) -> None:
    assert run("pull", f"{lineage}@0", "here").stdout == "here/model.safetensors\n"
    assert "already there" in run("pull", f"{lineage}@0", "here").stderr
    reported = json.loads(run("pull", f"{lineage}@0", "here", "--json").stdout)
    assert (reported["received"], reported["config"]) == (0, None)
    assert (tmp_path / "here" / "model.safetensors").exists()


def test_a_merge_that_is_not_waited_for_is_listed_and_cancelled(
    run: Run, lineage: str, plain: tuple[Path, Path]
) -> None:
    """No worker runs here: merges stay queued."""
    merge = run("merge", plain[1], "--task", "first", "-l", lineage, "--no-wait").stdout.strip()
    assert json.loads(run("merges", "-l", lineage, "--json").stdout)[0]["id"] == merge
    assert "goes on" in run("watch", merge, "--timeout", "0.3", status=13).stderr
    assert "cancelled" in run("cancel", merge).stderr
    assert "cancelled" in run("watch", merge, status=12).stderr


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("remove-task", "t", "-l", "nothing"), 4, "nothing"),
        (("join", "nothing", "-l", "nothing-either"), 4, "nothing-either"),
        (("recompute", "swudi", "-l", "nothing"), 4, "nothing"),
        (("models", "-l", "nothing"), 4, "nothing"),
        (("pull", "nothing@7"), 4, "nothing@7"),
        (("models", "--url", "http://127.0.0.1:1"), 6, "ODEM_URL"),
        (("merge", "absent.safetensors", "--task", "t"), 2, "absent.safetensors"),
        (("merge", "sha256:" + "0" * 64, "--task", "t", "--recipe", "{"), 2, "--recipe"),
        (("merge", "sha256:" + "0" * 64, "--task", "t", "--label", "x"), 2, "NAME=VALUE"),
        (("rollback",), 2, "version"),
        (("push", "notes.txt"), 3, "safetensors"),
        (("calibrate", ".", "-o", "x"), 2, "--image-size"),
        (("calibrate", ".", "-o", "x", "--image-size", "8"), 1, "subfolder with its name"),
    ],
)
def test_an_error_prints_one_line_and_sets_the_exit_status(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, word: str
) -> None:
    (tmp_path / "notes.txt").write_text("no safetensors, but some words " * 10)
    done = run(*arguments, status=status)
    assert word in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_a_merge_from_the_command_line_ends_with_a_version(process: Run, plain: tuple[Path, Path]) -> None:
    run = process
    name = f"l-{uuid.uuid4().hex[:8]}"
    run("lineages", "create", name, "--base", plain[0], "--method", "average")
    done = run("merge", plain[1], "--task", "first", "-l", name, "--label", "run=7")
    assert f"succeeded: {name}@1" in done.stderr
    reported = json.loads(run("merge", plain[1], "--task", "second", "-l", name, "--json").stdout)
    assert (reported["state"], reported["version"]) == ("succeeded", f"{name}@2")
    assert "second" in run("models", "-l", name).stdout
    changed = json.loads(run("diff", f"{name}@1", f"{name}@2", "--json").stdout)
    assert changed["tensors"] == [], "the mean of a checkpoint and itself"
    assert [(task["name"], task["a"] is None) for task in changed["tasks"]] == [("first", False), ("second", True)]
