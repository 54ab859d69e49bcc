"""Compiled loops: numba's cache, and what happens without one."""

import hashlib
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import merging
from merging.kernels import api as kernels
from merging.kernels import loops

_SCRIPT = """
import sys
import numpy as np
from merging.kernels import api as kernels
assert "numba" not in sys.modules, "only merges need it"
values = np.ones(3)
kernels.add_scaled(values, values.copy(), 2.0)
assert values.tolist() == [3.0, 3.0, 3.0]
assert "torch" not in sys.modules
"""


def _run(folder: Path, script: str = _SCRIPT, **environment: str) -> str:
    """Run a script on a copy of the loops whose folder cannot hold a cache; returns standard error."""
    copy = folder / "merging"
    if not copy.exists():
        shutil.copytree(Path(merging.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
        # A file in place of the folder: not even root can write into it.
        (copy / "kernels" / "__pycache__").touch()
    settings = {"HOME": "/dev/null/none", "XDG_CACHE_HOME": "/dev/null/none", "PYTHONPATH": str(folder)}
    command = [sys.executable, "-B", "-c", script]
    done = subprocess.run(
        command, env=os.environ | settings | environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
def test_loops_run_without_a_writable_folder_and_log_a_warning(tmp_path: Path) -> None:
    assert "numba cannot cache the loop add_scaled" in _run(tmp_path)


@pytest.mark.slow
def test_a_folder_beside_the_source_that_cannot_be_written_is_replaced_by_the_users_cache(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for _ in range(2):
        assert _run(tmp_path, HOME=str(home), XDG_CACHE_HOME=str(home / ".cache")) == ""
    assert len(list(home.rglob("*add_scaled*.nbc"))) == 1


@pytest.mark.slow
def test_a_full_disk_costs_the_cache_and_not_the_result(tmp_path: Path) -> None:
    # Files of at most 0 bytes: to a process that writes one the disk looks full.
    limits = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limits += "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    home = tmp_path / "home"
    home.mkdir()
    words = _run(tmp_path, limits + _SCRIPT, HOME=str(home), XDG_CACHE_HOME=str(home / ".cache"))
    assert "numba cannot cache the loop add_scaled" in words


@pytest.mark.slow
def test_every_loop_is_cached_by_one_command_and_then_loads_quickly() -> None:
    command = (sys.executable, "-m", "merging")
    subprocess.run(command, check=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 3.0, "compiling all of them takes twice as long"


def test_numbas_cache_notices_a_change_of_the_loops_helpers() -> None:
    helpers = Path(merging.__file__).parent / "kernels" / "dtype_io.py"
    digest = hashlib.sha256(helpers.read_bytes()).hexdigest()
    assert digest == loops.DTYPE_IO_SHA256, f"set DTYPE_IO_SHA256 in loops.py to {digest}"


def test_arrays_that_a_loop_would_overrun_are_refused() -> None:
    three, four = np.ones(3), np.ones(4)
    with pytest.raises(ValueError, match="lengths"):
        kernels.add_scaled(three, four, 1.0)
    with pytest.raises(ValueError, match="3 elements, expected 4"):
        kernels.combine([three], [1.0], four)
    with pytest.raises(ValueError, match="contiguous"):
        kernels.widen(np.ones(8)[::2], 1.0, four)
    with pytest.raises(ValueError, match="room"):
        kernels.collect(None, four, 0.0, 1.0, three, np.zeros(2, np.uint64))


def test_elements_need_not_be_aligned() -> None:
    data = bytearray(2 * 3000 + 1)
    odd = np.frombuffer(data, ml_dtypes.bfloat16, 3000, 1)
    odd.view(np.uint16)[:] = 0x3F80 + np.arange(3000) % 64
    out, expected = np.empty(3000), np.empty(3000)
    assert kernels.widen(odd, 2.0, out)
    assert kernels.widen(odd.copy(), 2.0, expected)
    assert np.array_equal(out, expected)


def _bfloat16(values: np.ndarray) -> np.ndarray:
    return values.astype(ml_dtypes.bfloat16)


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_the_pass_for_pairs_of_bfloat16_equals_widened_tensors(rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=(rows, 3001)) * 0.02
    checkpoints = [_bfloat16(row) for row in values]
    singles = [checkpoint.astype(np.float32) for checkpoint in checkpoints]
    shares = [0.3, 0.7, 0.11, 1.9, 2.0][:rows]
    paired, plain = np.empty(3001, ml_dtypes.bfloat16), np.empty(3001, ml_dtypes.bfloat16)
    assert kernels.combine(checkpoints, shares, paired, total=3.0, decay=0.7) == -1
    assert kernels.combine(singles, shares, plain, total=3.0, decay=0.7) == -1
    assert np.array_equal(paired, plain)


@pytest.mark.parametrize("bad", [0, 1, 2])
@pytest.mark.parametrize("bits", [0x7F80, 0xFF80, 0x7FC1])
def test_a_tensor_that_is_not_finite_is_reported_by_its_row(bad: int, bits: int) -> None:
    checkpoints = [_bfloat16(np.full(2500, 0.5)) for _ in range(3)]
    checkpoints[bad].view(np.uint16)[2499] = bits
    assert kernels.combine(checkpoints, [1.0, 1.0, 1.0], np.empty(2500, ml_dtypes.bfloat16)) == bad
