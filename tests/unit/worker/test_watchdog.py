"""The watchdog kills real processes that exceed a limit."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from worker.merge_limits import MergeLimits
from worker.watchdog import memory_of, watch

_GENEROUS = MergeLimits(seconds=60, cancel_grace_seconds=60, memory_bytes=1 << 40, silence_seconds=60)
_LOOPS = "while True: pass"
_BLOCKS = "import os; r, w = os.pipe(); os.read(r, 1)"
_IGNORES_SIGNALS = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass"
_HOLDS_THE_INTERPRETER = "sum(range(10**18))"
_ALLOCATES = "import time; x = bytearray(300 << 20); time.sleep(600)"


def _ended(code: str, limits: MergeLimits, sent: bytes = b"") -> tuple[str | None, int, float]:
    """The exceeded limit, the exit status of the process, and its seconds until then."""
    process = subprocess.Popen((sys.executable, "-c", code))
    read, write = os.pipe()
    os.write(write, sent or b"alive\n")
    started = time.monotonic()
    try:
        passed = watch({"limits": asdict(limits), "pid": process.pid}, read)
        return passed, process.wait(10), time.monotonic() - started
    finally:
        process.kill()
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("code", [_LOOPS, _BLOCKS, _IGNORES_SIGNALS, _HOLDS_THE_INTERPRETER])
def test_any_process_is_killed_at_the_time_limit(code: str) -> None:
    limits = MergeLimits(**asdict(_GENEROUS) | {"seconds": 1.0})
    passed, status, seconds = _ended(code, limits)
    assert (passed, status) == ("seconds", -signal.SIGKILL)
    assert 1.0 <= seconds < 10.0


def test_a_cancel_is_enforced_after_the_grace_period() -> None:
    limits = MergeLimits(**asdict(_GENEROUS) | {"cancel_grace_seconds": 0.5})
    passed, status, _ = _ended(_LOOPS, limits, b"alive\ncancel\n")
    assert (passed, status) == ("cancel", -signal.SIGKILL)


def test_a_process_is_killed_at_the_memory_limit() -> None:
    limits = MergeLimits(**asdict(_GENEROUS) | {"memory_bytes": 200 << 20})
    passed, status, _ = _ended(_ALLOCATES, limits)
    assert (passed, status) == ("memory", -signal.SIGKILL)


def test_a_process_without_heartbeats_is_killed() -> None:
    limits = MergeLimits(**asdict(_GENEROUS) | {"silence_seconds": 0.5})
    passed, status, _ = _ended(_HOLDS_THE_INTERPRETER, limits)
    assert (passed, status) == ("silence", -signal.SIGKILL)


def test_mapped_files_do_not_count_as_memory(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(64 << 20))
    code = (
        f"import mmap,sys; f=open({str(file)!r},'rb'); m=mmap.mmap(f.fileno(),0,prot=mmap.PROT_READ); sum(m[::4096]);"
    )
    process = subprocess.Popen(
        (sys.executable, "-c", code + "print('mapped', flush=True); sys.stdin.read()"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"mapped\n"
        assert memory_of(process.pid) < 40 << 20
    finally:
        process.kill()
        process.communicate()


def test_a_merge_that_ends_is_not_killed() -> None:
    first = {"limits": asdict(_GENEROUS), "pid": os.getpid(), "claim": "{}"}
    watchdog = subprocess.Popen((sys.executable, "-m", "worker.watchdog"), stdin=subprocess.PIPE)
    watchdog.communicate(json.dumps(first).encode() + b"\nalive\n", timeout=20)
    assert watchdog.returncode == 0
