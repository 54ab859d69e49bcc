"""`python -m worker` itself, with merges that need no torch and last as long as wanted.

A merge goes on for as long as there is a file `hold` in the data folder; its result is its checkpoint.
"""

import contextlib
import sys
import time
import types
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[3]


def run_next(settings: Any) -> str | None:
    """See worker.run_merge."""
    from registry.base_record import now
    from registry.state.state_store import StateStore
    from registry.version import Version
    from worker.lease import Lease

    state = StateStore.open(settings.redis_url)
    with contextlib.closing(state):
        for lineage in state.claims.waiting_lineages():
            claim = state.claims.claim(lineage, int(settings.lease_seconds * 1000), settings.max_attempts)
            if claim is None:
                continue
            with Lease(state.claims, claim, settings.lease_seconds):
                while (settings.data_dir / "hold").exists():
                    time.sleep(0.01)
                version = Version(
                    lineage=lineage,
                    number=state.versions.head(lineage).number + 1,
                    weights=claim.merge.checkpoint,
                    size=1,
                    created_at=now(),
                )
                state.claims.commit(claim, version)
            return lineage
    return None


class StandIn:
    """The process, while the block runs."""

    def __init__(self, data: Path, redis_url: str, broker_url: str, **settings: str) -> None:
        from benchmarks.harness.processes import ServerProcess

        environment = {
            "PYTHONPATH": str(ROOT),
            "ODEM_REDIS_URL": redis_url,
            "ODEM_BROKER_URL": broker_url,
            "ODEM_DATA_DIR": str(data),
            "ODEM_SWEEP_SECONDS": "0.5",
            **settings,
        }
        self.server = ServerProcess((sys.executable, __file__), data / "worker.log", environment)

    def __enter__(self) -> Self:
        self.server.spawn()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.kill()
        print(self.text)  # shown when the test has failed

    @property
    def text(self) -> str:
        """The whole log."""
        return self.server.text


def _main() -> None:
    module: Any = types.ModuleType("worker.run_merge")
    module.run_next = run_next
    sys.modules["worker.run_merge"] = module
    from worker.__main__ import main

    main()


if __name__ == "__main__":
    _main()
