"""A worker that sleeps longer than its lease, in a process of its own that is really stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from registry.base_record import now
from registry.merge import MergeState
from registry.version import Version
from tests.integration.ledger.conftest import Ledger

_SLEEPER = """
import sys
from registry.errors import LeaseLost
from registry.base_record import now
from registry.state.state_store import StateStore
from registry.version import Version
from worker.lease import Lease

state = StateStore.open(sys.argv[1])
claim = state.claims.claim("a", 500, 3)
with Lease(state.claims, claim, 0.5):
    print("claimed", claim.fence, flush=True)
    sys.stdin.readline()
    version = Version(lineage="a", number=1, weights="sha256:" + "1" * 64, size=1, created_at=now())
    try:
        print("committed", state.claims.commit(claim, version), flush=True)
    except LeaseLost as error:
        print("refused:", error, flush=True)
"""


def _eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_worker_that_resumes_after_its_lease_is_refused_and_logs_it(ledger: Ledger) -> None:
    ledger.create()
    merge = ledger.enqueue()
    command = [sys.executable, "-c", _SLEEPER, ledger.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sleeper:
        assert sleeper.stdout is not None
        assert sleeper.stdin is not None
        try:
            assert sleeper.stdout.readline() == "claimed 1\n"
            # It lives, and so it keeps its merge for as long as it likes.
            time.sleep(1.0)
            assert list(ledger.state.claims.waiting_lineages()) == []
            os.kill(sleeper.pid, signal.SIGSTOP)
            _eventually(lambda: list(ledger.state.claims.waiting_lineages()) == ["a"])
            claim = ledger.state.claims.claim("a", 60_000, 3)
            assert claim is not None
            assert (claim.merge.id, claim.merge.attempt) == (merge.id, 2)
            digest = ledger.put(b"of the second worker")
            version = Version(lineage="a", number=1, weights=digest, size=20, created_at=now())
            assert ledger.state.claims.commit(claim, version) == 1
            os.kill(sleeper.pid, signal.SIGCONT)
            sleeper.stdin.write("\n")
            sleeper.stdin.flush()
            output = sleeper.stdout.readline()
        finally:
            sleeper.kill()
    assert output == f"refused: The merge {merge.id} was not committed: its fence is no longer the newest.\n"
    assert ledger.state.versions.head("a") == version
    assert ledger.state.merges.get(merge.id).state is MergeState.SUCCEEDED
