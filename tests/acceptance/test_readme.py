"""The README's commands, pasted as they stand, and the clients' examples in environments of their own."""

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

from benchmarks.harness.processes import ROOT, eventually
from benchmarks.harness.stack import Stack

pytestmark = pytest.mark.slow


def _blocks() -> list[str]:
    return re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)


@dataclass(frozen=True)
class Pasted:
    """A service, and the folder in which the README's commands have been run: it looks like the project's own."""

    stack: Stack
    folder: Path

    def run(self, *command: str, **more: str) -> str:
        """Run a command in the folder; returns what it said."""
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
    folder = tmp_path_factory.mktemp("beside")
    for item in ROOT.iterdir():
        if item.name not in {".venv", ".git", ".data", "example", "merged"}:
            (folder / item.name).symlink_to(item)
    (folder / ".venv").symlink_to(sys.prefix)
    stack = Stack(tmp_path_factory.mktemp("readme") / "data").start()
    try:
        found = Pasted(stack, folder)
        blocks = _blocks()
        assert len(blocks) >= 5
        assert sum(block.count("curl ") for block in blocks) >= 8
        for block in blocks:
            found.run("bash", "-euo", "pipefail", "-c", block.replace("http://localhost:8000", stack.url))
            if "/merge " in block:
                _wait_for_both(stack)
        yield found
    finally:
        stack.discard()


@pytest.mark.timeout(600)
def test_every_line_works_when_pasted(pasted: Pasted) -> None:
    assert (pasted.folder / "merged" / "open_clip_model.safetensors").stat().st_size > 1_000_000


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
    said = pasted.run(python, "-c", program.replace("http://localhost:8000", pasted.stack.url), HOME=str(tmp_path))
    assert said.split()[:2] == ["from-python@1", "from-python@2"]


@pytest.mark.timeout(600)
@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed")
def test_the_typescript_clients_example_runs_in_a_fresh_project(pasted: Pasted, tmp_path: Path) -> None:
    source = tmp_path / "typescript"
    shutil.copytree(ROOT / "clients" / "typescript", source, ignore=shutil.ignore_patterns("node_modules", "dist"))
    program = re.findall(r"```js\n(.*?)```", (source / "README.md").read_text(), flags=re.DOTALL)[0]
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"type": "module"}')
    (project / "example.js").write_text(program.replace("http://localhost:8000", pasted.stack.url))
    (project / "example").symlink_to(pasted.folder / "example")
    pasted.run("npm", "--prefix", str(source), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    pasted.run("npm", "pack", str(source), "--pack-destination", str(tmp_path))
    packed = str(next(tmp_path.glob("odem-client-*.tgz")))
    pasted.run("npm", "--prefix", str(project), "install", "--no-audit", "--no-fund", packed)
    command = f"cd {project} && node example.js"
    said = pasted.run("bash", "-c", command, XDG_CACHE_HOME=str(tmp_path))
    assert said.split() == ["from-node@1", "from-node@2", "merged/open_clip_model.safetensors"]


def _wait_for_both(stack: Stack) -> None:
    def ended() -> bool:
        merges = httpx.get(f"{stack.url}/merges", trust_env=False).json()["merges"]
        assert not [merge["problem"] for merge in merges if merge["problem"]]
        return [merge["state"] for merge in merges] == ["succeeded", "succeeded"]

    eventually(ended, "both merges of the README succeed", deadline=300)
