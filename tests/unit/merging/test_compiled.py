"""Compiled kernels: where their machine code is kept, and what happens where it cannot be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import worker.merging

pytestmark = pytest.mark.slow
_SCRIPT = """
import sys
import numpy as np
from worker.merging import kernels
values = np.ones(3)
kernels.scale(values, 2.0)
assert values.tolist() == [2.0, 2.0, 2.0]
assert "torch" not in sys.modules and "scipy.linalg" not in sys.modules
import scipy.linalg
"""


def _run(folder: Path, script: str = _SCRIPT, **environment: str) -> str:
    """Run a script on a copy of the kernels in a process that may keep machine code only as the environment says."""
    copy = folder / "worker" / "merging"
    if not copy.exists():
        copy.mkdir(parents=True)
        for name in ("__init__.py", "compiled.py", "kernels.py"):
            shutil.copy(Path(worker.merging.__file__).parent / name, copy)
        # Not even root can make a folder of a file.
        (copy / "__pycache__").touch()
    nowhere = {"XDG_CACHE_HOME": "/dev/null/none", "HOME": "/dev/null/none", "PYTHONPATH": str(folder)}
    command = [sys.executable, "-B", "-c", script]
    done = subprocess.run(
        command, env=os.environ | nowhere | environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_where_no_folder_can_be_written_kernels_run_all_the_same(tmp_path: Path) -> None:
    _run(tmp_path)


def test_machine_code_is_kept_where_it_is_wanted(tmp_path: Path) -> None:
    kept = tmp_path / "cache"
    _run(tmp_path, NUMBA_CACHE_DIR=str(kept))
    first = {path: path.stat().st_mtime_ns for path in kept.rglob("*.nb?")}
    assert {path.suffix for path in first} == {".nbi", ".nbc"}
    _run(tmp_path, NUMBA_CACHE_DIR=str(kept))
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("*.nb?")} == first, "nothing was compiled again"


def test_a_full_disk_costs_the_cache_and_not_the_result(tmp_path: Path) -> None:
    # Files of at most no bytes: to whoever writes one it looks as a disk without room does.
    limits = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limits += "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    words = _run(tmp_path, limits + _SCRIPT, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert "Compiled code cannot be kept" in words
