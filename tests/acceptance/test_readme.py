"""The README's commands, pasted as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.acceptance.stack import ROOT, Stack, eventually

pytestmark = pytest.mark.slow


def _blocks() -> list[str]:
    return re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder that looks like the project's own, so that what the README makes lands elsewhere."""
    for item in ROOT.iterdir():
        if item.name not in {".venv", ".git", ".data", "example", "merged"}:
            (tmp_path / item.name).symlink_to(item)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.mark.timeout(600)
def test_every_line_works_when_pasted(beside: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    stack = Stack(tmp_path_factory.mktemp("readme") / "data").start()
    try:
        blocks = _blocks()
        assert len(blocks) >= 5
        assert sum(block.count("curl ") for block in blocks) >= 8
        for block in blocks:
            script = block.replace("http://localhost:8000", stack.url)
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=beside,
                env={**os.environ, "OMP_NUM_THREADS": "2"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
            if "/merge " in block:
                _wait_for_both(stack)
        assert (beside / "merged" / "open_clip_model.safetensors").stat().st_size > 1_000_000
    finally:
        stack.discard()


def _wait_for_both(stack: Stack) -> None:
    def ended() -> bool:
        merges = httpx.get(f"{stack.url}/merges", trust_env=False).json()["merges"]
        assert not [merge["problem"] for merge in merges if merge["problem"]]
        return [merge["state"] for merge in merges] == ["succeeded", "succeeded"]

    eventually(ended, "both merges of the README succeed", deadline=300)
