"""The standalone command: what it starts, what it says, how it ends. Real processes, killed for real."""

import contextlib
import os
import pty
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from benchmarks.harness.processes import ROOT, eventually, free_port
from standalone.orphans import marked
from standalone.supervisor import ONE_WISH
from tests.integration.standalone.stack import STAND_INS, Stack

pytestmark = pytest.mark.slow
VALKEY_CLOSED = "Valkey is now ready to exit"
Start = Callable[..., Stack]


def logged_in_order(stack: Stack, *words: str) -> bool:
    return re.search(".*".join(map(re.escape, words)), stack.text, re.DOTALL) is not None


def test_ctrl_c_stops_gateway_worker_and_valkey_in_this_order(start: Start) -> None:
    first = start().wait_ready()
    assert first.end(signal.SIGINT) == 0
    assert logged_in_order(first, "gateway stopped", "worker stopped", "valkey stopped", "standalone | stopped")
    first.assert_none_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_service_manager_and_a_closed_terminal_stop_it_as_cleanly(start: Start, number: int) -> None:
    first = start().wait_ready()
    assert first.end(number) == 0
    assert VALKEY_CLOSED in first.text
    first.assert_none_left()


def test_it_can_be_stopped_before_it_is_ready(start: Start) -> None:
    first = start()
    first.wait_for_log("started valkey")
    first.processes()
    assert first.end(signal.SIGINT) == 0
    first.assert_none_left()


def test_a_second_start_finds_the_data_again(start: Start) -> None:
    first = start().wait_ready()
    assert first.write("kept")
    first.end(signal.SIGINT)
    assert start().wait_ready().notes() == ["kept"]


def test_a_second_start_on_the_same_folder_is_refused_and_harms_nothing(start: Start) -> None:
    first = start().wait_ready()
    second = start(port=free_port())
    assert second.end() == 1
    assert f"is in use by process {first.server.pid}" in second.text
    assert "started" not in second.text
    assert first.write("still here")


def test_a_port_in_use_is_reported_before_anything_starts(start: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        first = start(port=port)
        assert first.end() == 1
    assert f"port {port} is taken" in first.text
    assert "started" not in first.text


def test_an_unusable_data_folder_is_reported(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    first = start()
    assert first.end() == 1
    assert f"error: cannot keep data in {tmp_path / 'data' / 'valkey'}: Not a directory" in first.text
    assert "Traceback" not in first.text


def test_an_invalid_server_program_is_reported(start: Start, tmp_path: Path) -> None:
    first = start(ODEM_VALKEY_BINARY=str(tmp_path / "missing"))
    assert first.end() == 1
    assert f"error: {tmp_path / 'missing'} is no program" in first.text
    assert "Traceback" not in first.text


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_a_crashed_child_is_logged_and_restarted(start: Start, name: str) -> None:
    first = start().wait_ready()
    before = first.pid(name)
    os.kill(before, signal.SIGKILL)
    first.wait_for_log(f"{name} ended unexpectedly (killed by SIGKILL)")
    eventually(lambda: first.pid(name) != before, "a new process")
    eventually(lambda: first.write("after the crash"), "an acknowledged write")


def test_a_crashed_worker_leaves_no_merge_process_behind(start: Start) -> None:
    first = start().wait_ready()
    worker = psutil.Process(first.pid("worker"))
    merges = worker.children()
    assert len(merges) == 1
    worker.kill()
    _, alive = psutil.wait_procs(merges, timeout=10)
    assert not alive
    first.wait_for_log("worker ended unexpectedly (killed by SIGKILL), and what it left behind was killed (1 process)")


def test_sigkill_of_valkey_loses_nothing_that_was_acknowledged(start: Start) -> None:
    first = start().wait_ready()
    acknowledged = []
    for crash in range(3):
        for n in range(50):
            assert first.write(f"{crash}:{n}")
            acknowledged.append(f"{crash}:{n}")
        before = first.pid("valkey")
        os.kill(before, signal.SIGKILL)
        eventually(lambda before=before: first.pid("valkey") != before, "a new process")  # type: ignore[misc]
        eventually(lambda: first.write("probe"), "an acknowledged write")
        acknowledged.append("probe")
    kept = first.notes()
    assert [note for note in kept if note != "probe"] == [note for note in acknowledged if note != "probe"]


def test_sigkill_of_the_supervisor_leaves_no_orphan_and_the_next_start_works_at_once(start: Start) -> None:
    first = start().wait_ready()
    assert first.write("kept")
    first.end(signal.SIGKILL)
    second = start().wait_ready()
    first.assert_none_left()
    assert second.notes() == ["kept"]


def test_sigkill_of_the_sentinel_is_made_good(start: Start) -> None:
    first = start().wait_ready()
    sentinel = next(each for each in first.processes() if "orphans.py" in " ".join(each.cmdline()))
    sentinel.kill()
    first.wait_for_log("started another one")
    first.processes()
    first.end(signal.SIGKILL)
    first.assert_none_left()


def test_sigkill_of_supervisor_and_sentinel_together_takes_the_three_children_along(start: Start) -> None:
    first = start().wait_ready()
    three = [psutil.Process(first.pid(name)) for name in ("valkey", "worker", "gateway")]
    sentinel = next(each for each in first.processes() if "orphans.py" in " ".join(each.cmdline()))
    mark = psutil.Process(first.pid("worker")).environ()["ODEM_STANDALONE_MARK"]
    psutil.Process(first.server.pid).suspend()
    sentinel.kill()
    first.end(signal.SIGKILL)
    _, alive = psutil.wait_procs(three, timeout=10)
    assert not alive
    for left in marked(mark):
        os.kill(left, signal.SIGKILL)


def test_a_child_that_crashes_too_often_ends_everything_with_an_error(start: Start) -> None:
    first = start(STAND_IN_WORKER="crash", ODEM_RESTART_LIMIT="2")
    first.wait_for_log("started gateway")
    first.processes()
    assert first.end() == 1
    assert first.text.count("no broker of that kind") == 3
    assert "worker crashed 3 times within 120 s: stopping" in first.text
    assert VALKEY_CLOSED in first.text
    first.assert_none_left()


def test_a_child_that_does_not_end_is_killed_after_the_grace(start: Start) -> None:
    first = start(STAND_IN_WORKER="stubborn", ODEM_STOP_GRACE="0.5").wait_ready()
    assert first.end(signal.SIGINT) == 0
    assert "worker killed after 0.5 s" in first.text
    assert VALKEY_CLOSED in first.text
    first.assert_none_left()


def test_a_second_ctrl_c_hastens(start: Start) -> None:
    first = start(STAND_IN_WORKER="stubborn", ODEM_STOP_GRACE="300").wait_ready()
    first.server.signal(signal.SIGINT)
    first.wait_for_log("gateway stopped")
    time.sleep(ONE_WISH)  # Not for a condition: only the time between two signals makes them two wishes.
    assert first.end(signal.SIGINT) == 0
    assert "worker killed at once, as asked" in first.text
    first.assert_none_left()


def test_a_signal_delivered_twice_at_once_counts_once(start: Start) -> None:
    first = start().wait_ready()
    first.server.signal(signal.SIGINT)
    assert first.end(signal.SIGINT) == 0
    assert VALKEY_CLOSED in first.text


def test_low_disk_is_warned_of_and_nothing_more(start: Start) -> None:
    first = start(ODEM_LOW_DISK_GIB="1e9").wait_ready()
    assert "warning: only" in first.text


def test_a_real_ctrl_c_on_a_terminal_reaches_the_supervisor_alone(tmp_path: Path) -> None:
    """The terminal sends SIGINT to its whole foreground group; the children must not be in it."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(STAND_INS)
        os.environ["PYTHONPATH"] = str(ROOT)
        arguments = ["-m", "standalone", "--data-dir", str(tmp_path), "--port", str(free_port())]
        os.execv(sys.executable, [sys.executable, *arguments])
    text = ""
    with contextlib.suppress(OSError):  # A terminal whose last user is gone answers EIO.
        while piece := os.read(terminal, 4096).decode(errors="replace"):
            text += piece
            if "stop with" in text and "merge running" in text and "SIGINT" not in text:
                os.write(terminal, b"\x03")
                text += "SIGINT typed\n"
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert text.index("gateway stopped") < text.index("worker stopped") < text.index("valkey stopped")
    assert "\x1b[" in text
