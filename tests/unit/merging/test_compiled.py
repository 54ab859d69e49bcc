"""Compiled loops: where their code is kept, and what happens where it cannot be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import merging
from merging.kernels import api as kernels

_SCRIPT = """
import sys
import numpy as np
from merging.kernels import api as kernels
values = np.ones(3)
kernels.add_scaled(values, values.copy(), 2.0)
assert values.tolist() == [3.0, 3.0, 3.0]
assert "torch" not in sys.modules and "scipy.linalg" not in sys.modules
import scipy.linalg
print("numba" in sys.modules)
"""


def _run(folder: Path, script: str = _SCRIPT, **environment: str) -> tuple[bool, str]:
    """Run a script on a copy of the loops in a process that may keep code only as the environment says.

    Returns whether it compiled, and its words.
    """
    copy = folder / "worker" / "merging"
    if not copy.exists():
        copy.mkdir(parents=True)
        for name in ("__init__.py", "compiled.py", "elements.py", "kernels.py", "loops.py"):
            shutil.copy(Path(merging.__file__).parent / name, copy)
        # Not even root can make a folder of a file.
        (copy / "__pycache__").touch()
    nowhere = {"HOME": "/dev/null/none", "PYTHONPATH": str(folder)}
    command = [sys.executable, "-B", "-c", script]
    done = subprocess.run(
        command, env=os.environ | nowhere | environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return "True" in done.stdout, done.stderr


@pytest.mark.slow
def test_where_no_folder_can_be_written_loops_run_all_the_same(tmp_path: Path) -> None:
    compiled, words = _run(tmp_path)
    assert compiled
    assert "Compiled code cannot be kept" in words


@pytest.mark.slow
def test_kept_code_needs_no_numba_and_damaged_code_is_made_anew(tmp_path: Path) -> None:
    kept = tmp_path / ".cache" / "odem"
    assert _run(tmp_path, HOME=str(tmp_path)) == (True, "")
    files = {path.suffix: path for path in kept.iterdir()}
    assert set(files) == {".bc", ".o"}
    assert _run(tmp_path, HOME=str(tmp_path)) == (False, ""), "the machine code is enough"
    files[".o"].unlink()
    assert _run(tmp_path, HOME=str(tmp_path)) == (False, ""), "for another processor LLVM alone translates"
    for path in files.values():
        path.write_bytes(path.read_bytes()[:-1])
    assert _run(tmp_path, HOME=str(tmp_path)) == (True, "")
    assert _run(tmp_path, HOME=str(tmp_path)) == (False, "")


@pytest.mark.slow
def test_a_full_disk_costs_the_kept_code_and_not_the_result(tmp_path: Path) -> None:
    # Files of at most no bytes: to whoever writes one it looks as a disk without room does.
    limits = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limits += "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    _, words = _run(tmp_path, limits + _SCRIPT, HOME=str(tmp_path))
    assert "Compiled code cannot be kept" in words
    assert list((tmp_path / ".cache" / "odem").iterdir()) == []


@pytest.mark.slow
def test_every_loop_can_be_compiled_beforehand() -> None:
    subprocess.run((sys.executable, "-m", "merging"), check=True)
    assert all(loop.kept for loop in kernels.LOOPS)


def test_arrays_that_a_loop_would_overrun_are_refused() -> None:
    three, four = np.ones(3), np.ones(4)
    with pytest.raises(ValueError, match="lengths"):
        kernels.add_scaled(three, four, 1.0)
    with pytest.raises(ValueError, match="3 elements where 4 belong"):
        kernels.combine([three], [1.0], four)
    with pytest.raises(ValueError, match="gaps"):
        kernels.widen(np.ones(8)[::2], 1.0, four)
    with pytest.raises(ValueError, match="room"):
        kernels.collect(None, four, 0.0, 1.0, three, np.zeros(2, np.uint64))


def test_elements_need_not_be_aligned() -> None:
    data = bytearray(2 * 3000 + 1)
    odd = np.frombuffer(data, np.uint16, 3000, 1)
    odd[:] = 0x3F80 + np.arange(3000) % 64
    out, expected = np.empty(3000), np.empty(3000)
    assert kernels.widen(odd, 2.0, out)
    assert kernels.widen(odd.copy(), 2.0, expected)
    assert np.array_equal(out, expected)


def _brain(values: np.ndarray) -> np.ndarray:
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_the_pass_for_pairs_of_bfloat16_gives_what_widened_tensors_do(rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=(rows, 3001)) * 0.02
    brains = [_brain(row) for row in values]
    singles = [(brain.astype(np.uint32) << 16).view(np.float32) for brain in brains]
    shares = [0.3, 0.7, 0.11, 1.9, 2.0][:rows]
    paired, plain = np.empty(3001, np.uint16), np.empty(3001, np.uint16)
    assert kernels.combine(brains, shares, paired, total=3.0, decay=0.7) == -1
    assert kernels.combine(singles, shares, plain, total=3.0, decay=0.7) == -1
    assert np.array_equal(paired, plain)


@pytest.mark.parametrize("bad", [0, 1, 2])
@pytest.mark.parametrize("bits", [0x7F80, 0xFF80, 0x7FC1])
def test_what_is_not_finite_is_told_by_its_row(bad: int, bits: int) -> None:
    brains = [_brain(np.full(2500, 0.5)) for _ in range(3)]
    brains[bad][2499] = bits
    assert kernels.combine(brains, [1.0, 1.0, 1.0], np.empty(2500, np.uint16)) == bad
