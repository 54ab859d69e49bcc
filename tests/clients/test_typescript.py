"""The TypeScript client: generated as committed, strictly typed, its own tests by Node's runner on a real service."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.harness.stack import Stack
from tests.clients.material import ROOT
from tests.clients.test_generated import differences

SOURCE = ROOT / "clients" / "typescript"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed"),
]


def run(folder: Path, *command: str, **more: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **more}, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the package with its dependencies as locked."""
    folder = tmp_path_factory.mktemp("npm") / "typescript"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    return folder


def test_generating_the_typescript_client_again_changes_nothing(package: Path, tmp_path: Path) -> None:
    document = str(ROOT / "docs" / "openapi.json")
    run(package, "npm", "run", "generate", ODEM_DOCUMENT=document, ODEM_TARGET=str(tmp_path / "generated"))
    assert differences(tmp_path / "generated", SOURCE / "src" / "generated") == [], "run `make clients` and commit"


def test_it_compiles_strictly_and_passes_its_own_tests(package: Path, service: Stack) -> None:
    output = run(package, "npm", "test", ODEM_URL=service.url)
    assert "# fail 0" in output
    assert "# pass 8" in output


def test_the_lock_names_no_host(package: Path) -> None:
    assert "://" not in "".join(
        line for line in (package / "package-lock.json").read_text().splitlines() if '"resolved"' in line
    )
