"""A worker process that is told to stop in the middle of a merge."""

import signal
import time
from collections.abc import Callable

import pytest
import redis

from registry.merge import MergeState
from standalone.valkey import EmbeddedValkey
from tests.integration.ledger.conftest import Ledger
from tests.integration.ledger.worker_stand_in import StandIn

pytestmark = pytest.mark.slow
_DEADLINE = 60.0


def _eventually(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + _DEADLINE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def _state(ledger: Ledger, merge: str) -> MergeState:
    return ledger.state.merges.get(merge).state


def test_it_ends_when_its_merge_does_and_not_later_even_if_the_broker_was_lost_meanwhile(
    ledger: Ledger, valkey: EmbeddedValkey
) -> None:
    ledger.create()
    hold = ledger.root / "hold"
    hold.touch()
    merge = ledger.enqueue().id
    with StandIn(ledger.root, valkey.url, valkey.broker_url, ODEM_SHUTDOWN_SECONDS="3000") as worker:
        _eventually(lambda: _state(ledger, merge) is MergeState.RUNNING, "the merge begins")
        valkey.kill()
        _eventually(lambda: "Connection to broker lost" in worker.text, "the loss is noticed")
        valkey.start()
        worker.server.signal(signal.SIGTERM)
        _eventually(lambda: "Warm shutdown" in worker.text, "SIGTERM is noticed")
        hold.unlink()
        assert worker.server.wait(_DEADLINE) == 0
    assert _state(ledger, merge) is MergeState.SUCCEEDED


def test_it_leaves_a_merge_that_takes_longer_than_it_may_to_others_and_gives_its_message_back(
    ledger: Ledger, valkey: EmbeddedValkey
) -> None:
    ledger.create()
    (ledger.root / "hold").touch()
    merge = ledger.enqueue().id
    with StandIn(ledger.root, valkey.url, valkey.broker_url, ODEM_SHUTDOWN_SECONDS="0.2") as worker:
        _eventually(lambda: _state(ledger, merge) is MergeState.RUNNING, "the merge begins")
        worker.server.signal(signal.SIGTERM)
        assert worker.server.wait(_DEADLINE) == 0
    assert _state(ledger, merge) is MergeState.RUNNING
    with redis.Redis.from_url(f"unix://{valkey.socket}?db=1") as broker:
        assert broker.llen("odem") == 1
