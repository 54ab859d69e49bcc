"""The README's commands on a newcomer's machine, and the clients' examples in environments of their own."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from safetensors.numpy import load_file

from benchmarks.harness.processes import ROOT
from tests.acceptance.newcomer import Newcomer

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Pasted:
    """A newcomer who has pasted the README's blocks, and what they printed."""

    newcomer: Newcomer
    printed: str

    @property
    def folder(self) -> Path:
        """The clone."""
        return self.newcomer.folder

    @property
    def url(self) -> str:
        """Where its service listens."""
        return self.newcomer.url

    def run(self, *command: str, **more: str) -> str:
        """Run a command in the clone; returns what it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "2", "NO_PROXY": "127.0.0.1", **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def pasted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pasted]:
    newcomer = Newcomer(tmp_path_factory.mktemp("newcomer") / "odem").clone()
    text = (newcomer.folder / "README.md").read_text()
    in_one_terminal, in_another = (
        re.findall(rf"```{kind}\n(.*?)```", text, flags=re.DOTALL) for kind in ("sh", "bash")
    )
    assert in_one_terminal == ["make run\n"]
    assert len(in_another) >= 5
    try:
        newcomer.make_run()
        yield Pasted(newcomer, newcomer.paste("\n".join(in_another)))
    finally:
        newcomer.discard()


@pytest.mark.timeout(900)
def test_the_readme_ends_with_the_merged_weights(pasted: Pasted) -> None:
    record = httpx.get(f"{pasted.url}/models/default@2", trust_env=False).json()
    weights = pasted.folder / "merged" / "open_clip_model.safetensors"
    assert [task["name"] for task in record["tasks"]] == ["digits", "stripes"]
    assert f"sha256:{hashlib.sha256(weights.read_bytes()).hexdigest()}" == record["weights"]
    base, merged = load_file(pasted.folder / "example" / "base.safetensors"), load_file(weights)
    assert base.keys() == merged.keys()
    changed = {name for name in base if (base[name] != merged[name]).any()}
    assert changed
    assert all(name.startswith("visual.") for name in changed)
    assert "succeeded default@2" in pasted.printed


def test_the_readmes_merged_model_is_better_on_both_tasks_than_the_base(pasted: Pasted) -> None:
    rows = re.findall(r"^(base|merged) +([\d.]+)% +([\d.]+)%$", pasted.printed, flags=re.MULTILINE)
    accuracies = {name: (float(digits), float(stripes)) for name, digits, stripes in rows}
    assert all(merged > base for base, merged in zip(accuracies["base"], accuracies["merged"], strict=True))


def _pins(folder: Path) -> Path:
    """Our own pins as constraints, so that the test means the same tomorrow."""
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    file = folder / "constraints.txt"
    file.write_text("\n".join(re.findall(r"^[a-z0-9][\w.-]*==[\w.+-]+", lock, flags=re.MULTILINE)))
    return file


@pytest.mark.timeout(600)
def test_the_python_clients_example_runs_where_only_the_client_is_installed(pasted: Pasted, tmp_path: Path) -> None:
    text = (ROOT / "clients" / "python" / "README.md").read_text()
    program = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[0]
    pasted.run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    python = str(tmp_path / "venv" / "bin" / "python")
    source = shutil.copytree(ROOT / "clients" / "python", tmp_path / "python")
    pasted.run(python, "-m", "pip", "install", "-q", str(source), PIP_CONSTRAINT=str(_pins(tmp_path)))
    assert "torch" not in pasted.run(python, "-m", "pip", "list")
    output = pasted.run(python, "-c", program.replace("http://localhost:8000", pasted.url), HOME=str(tmp_path))
    assert output.split()[:2] == ["from-python@1", "from-python@2"]


@pytest.mark.timeout(600)
@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed")
def test_the_typescript_clients_example_runs_in_a_fresh_project(pasted: Pasted, tmp_path: Path) -> None:
    source = tmp_path / "typescript"
    shutil.copytree(ROOT / "clients" / "typescript", source, ignore=shutil.ignore_patterns("node_modules", "dist"))
    program = re.findall(r"```js\n(.*?)```", (source / "README.md").read_text(), flags=re.DOTALL)[0]
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"type": "module"}')
    (project / "example.js").write_text(program.replace("http://localhost:8000", pasted.url))
    (project / "example").symlink_to(pasted.folder / "example")
    pasted.run("npm", "--prefix", str(source), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    pasted.run("npm", "pack", str(source), "--pack-destination", str(tmp_path))
    packed = str(next(tmp_path.glob("odem-client-*.tgz")))
    pasted.run("npm", "--prefix", str(project), "install", "--no-audit", "--no-fund", packed)
    command = f"cd {project} && node example.js"
    output = pasted.run("bash", "-c", command, XDG_CACHE_HOME=str(tmp_path))
    assert output.split() == ["from-node@1", "from-node@2", "merged/open_clip_model.safetensors"]
