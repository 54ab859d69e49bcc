"""Watchdog process: enforces the limits on a merge's time, memory, cancellation and heartbeat from outside.

`python -m worker.watchdog` runs beside each merge. A tower that loops, allocates without end or blocks in a system call
cannot stop it: at a limit it kills the merge's process with SIGKILL, then ends the merge with a problem that names the
setting. Until then it imports only the standard library, so that it starts quickly.

Lines of its standard input: the limits and the claim as one JSON object, then `alive` or `cancel`. The end of
the input means that the merge has ended.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from worker.merge_limits import MergeLimits

if TYPE_CHECKING:
    from registry.merge import Claim

_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 120.0


class Watchdog:
    """Runs a watchdog process for this process's merge while the `with` block runs."""

    def __init__(self, claim: "Claim", limits: MergeLimits) -> None:
        self._first = json.dumps({"limits": asdict(limits), "pid": os.getpid(), "claim": claim.model_dump_json()})
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def alive(self, *, stopping: bool) -> None:
        """Send a heartbeat. stopping: the merge was cancelled or belongs to another worker."""
        self._write("cancel" if stopping else "alive")

    def __enter__(self) -> Self:
        command = (sys.executable, "-m", "worker.watchdog")
        # A separate session: a signal to the worker's process group must not end it before the merge has ended.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603  ours
        self._write(self._first)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None  # noqa: S101  entered before
        with self._lock:
            assert self._process.stdin is not None  # noqa: S101  a pipe
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def _write(self, line: str) -> None:
        with self._lock:
            if self._process is None or self._process.stdin is None or self._process.stdin.closed:
                return
            try:
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                # The watchdog has exited. The lease still limits how long another worker waits.
                return


def watch(first: dict[str, Any], descriptor: int, *, cancelled: bool = False) -> str | None:
    """Watch until the input ends, or kill the process at a limit. Returns the name of the limit, or None."""
    limits, pid = MergeLimits(**first["limits"]), int(first["pid"])
    started = heard = time.monotonic()
    since = started if cancelled else None
    selector = selectors.DefaultSelector()
    selector.register(descriptor, selectors.EVENT_READ)
    while True:
        if selector.select(_POLL_SECONDS):
            data = os.read(descriptor, 1 << 16)
            if not data:
                return None
            heard = time.monotonic()
            since = since or (heard if b"cancel" in data else None)
        now = time.monotonic()
        passed = _passed(limits, now - started, now - heard, None if since is None else now - since)
        if passed is None and memory_of(pid) > limits.memory_bytes:
            passed = "memory"
        if passed is not None:
            os.kill(pid, signal.SIGKILL)
            return passed


def _passed(limits: MergeLimits, running: float, silent: float, cancelled: float | None) -> str | None:
    if cancelled is not None and cancelled > limits.cancel_grace_seconds:
        return "cancel"
    if running > limits.seconds:
        return "seconds"
    return "silence" if silent > limits.silence_seconds else None


def memory_of(pid: int) -> int:
    """Anonymous and shared memory of a process in bytes; 0 if unknown. Source: proc(5), status."""
    total = 0
    try:
        text = Path(f"/proc/{pid}/status").read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return 0
    for line in text.splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            total += int(line.split()[1]) << 10
    return total


def _end(first: dict[str, Any], passed: str) -> None:
    """Record why the merge ended, unless it has recorded an outcome itself in the meantime."""
    from registry.errors import LeaseLost, StoreUnavailable  # noqa: PLC0415  only where a limit was passed
    from registry.merge import Claim, MergeProblem, MergeState  # noqa: PLC0415
    from registry.state.state_store import StateStore  # noqa: PLC0415
    from worker.settings import WorkerSettings  # noqa: PLC0415

    claim = Claim.model_validate_json(first["claim"])
    problem = MergeProblem(**_problem(passed, MergeLimits(**first["limits"])))
    outcome = MergeState.CANCELLED if passed == "cancel" else MergeState.FAILED
    state = StateStore.open(WorkerSettings.read().redis_url)
    deadline = time.monotonic() + _RETRY_SECONDS
    while True:
        try:
            state.claims.end(claim, outcome, None if passed == "cancel" else problem)
        except LeaseLost:
            return
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)
        else:
            sys.stderr.write(f"{claim.merge.id} of {claim.merge.lineage} was ended: {problem.detail}\n")
            return


def _problem(passed: str, limits: MergeLimits) -> dict[str, str]:
    if passed == "memory":
        return {
            "type": "/problems/out-of-memory",
            "title": "Out of memory",
            "detail": f"The merge took more than {limits.memory_bytes} bytes of memory (ODEM_MAX_MERGE_MEMORY_BYTES). "
            "Head is unchanged. Send it again with a data-free method or a smaller calibration sample.",
        }
    detail = {
        "seconds": f"The merge took longer than {limits.seconds:g} seconds (ODEM_MAX_MERGE_SECONDS).",
        "silence": f"The merge did not respond for {limits.silence_seconds:g} seconds.",
        "cancel": f"The merge did not stop within {limits.cancel_grace_seconds:g} seconds of its cancel "
        "(ODEM_CANCEL_GRACE_SECONDS).",
    }[passed]
    return {
        "type": "/problems/time-limit",
        "title": "Time limit exceeded",
        "detail": f"{detail} Head is unchanged. Send it again with a cheaper recipe or fewer prompts.",
    }


def main() -> None:
    """Run the watchdog of one merge."""
    data = b""
    while b"\n" not in data:
        piece = os.read(0, 1 << 16)
        if not piece:
            return
        data += piece
    line, _, rest = data.partition(b"\n")
    first = json.loads(line)
    passed = watch(first, 0, cancelled=b"cancel" in rest)
    if passed is not None:
        _end(first, passed)


if __name__ == "__main__":
    main()
