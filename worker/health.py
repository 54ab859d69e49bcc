"""`python -m worker.health`: exit with status 0 when this host's worker has reported recently that it is alive."""

import socket
import sys
import time

from registry.errors import OdemError
from registry.state.state_store import StateStore
from worker.settings import WorkerSettings


def main() -> int:
    """Look the worker up in the state store; it must have reported within the last three sweeps."""
    settings = WorkerSettings.read()
    state = StateStore.open(settings.redis_url, timeout=4.0)
    try:
        mine = [worker for worker in state.metrics.workers() if worker.name.split(":")[0] == socket.gethostname()]
    except OdemError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        state.close()
    return 0 if any(time.time() - worker.seen_at < 3 * settings.sweep_seconds + 5 for worker in mine) else 1


if __name__ == "__main__":
    sys.exit(main())
