"""What is generated from docs/openapi.json is what is committed; and the client stands alone."""

import subprocess
import sys
from filecmp import dircmp
from pathlib import Path

from tests.clients.material import CLIENT

_ROOMS = (
    "registry",
    "service",
    "worker",
    "standalone",
    "torch",
    "numpy",
    "typer",
)  # rich comes with httpx, where it is installed


def differences(one: Path, other: Path) -> list[str]:
    """Names of the files that are not in both folders, or not the same."""
    return _all_of(dircmp(one, other, ignore=["__pycache__"]))


def _all_of(compared: dircmp[str]) -> list[str]:
    result = [*compared.left_only, *compared.right_only, *compared.diff_files]
    return result + [item for below in compared.subdirs.values() for item in _all_of(below)]


def test_generating_the_python_client_again_changes_nothing(tmp_path: Path) -> None:
    subprocess.run([sys.executable, CLIENT / "generate.py", "--target", tmp_path / "generated"], check=True)
    committed = CLIENT / "odem_client" / "generated"
    assert differences(tmp_path / "generated", committed) == [], "run `make clients` and commit what it wrote"


def test_importing_the_client_imports_nothing_heavy_and_nothing_of_the_service() -> None:
    program = f"import sys, odem_client; print([room for room in {_ROOMS} if room in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=CLIENT, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
