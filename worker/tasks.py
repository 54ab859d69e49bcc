"""The Celery task that runs merges, and the sweeper that enqueues it again when a message was lost."""

import contextlib
import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_ready, worker_shutdown, worker_shutting_down
from kombu.exceptions import OperationalError

from registry.blobs.manifests import FileManifests
from registry.errors import StorageFull, StoreUnavailable
from registry.manifest import write_due
from registry.state.state_store import StateStore
from worker.celery_app import ADVANCE, QUEUE
from worker.settings import WorkerSettings

_PR_SET_PDEATHSIG = 1
_JOIN_SECONDS = 1.0
_log = logging.getLogger(__name__)


def register(celery: Celery, settings: WorkerSettings) -> None:
    """Add the task and the sweeper to the application."""

    @celery.task(name=ADVANCE)  # type: ignore[untyped-decorator]
    def advance(lineage: str) -> None:  # noqa: ARG001  the cause; the lineage that has waited longest runs
        """Run a queued merge, if there is one, then enqueue the task again: each message starts the next merge."""
        from worker.run_merge import run_next  # noqa: PLC0415  torch does not survive a fork, so only the child imports it

        if lineage_run := run_next(settings):
            celery.send_task(ADVANCE, args=[lineage_run], queue=QUEUE)

    sweeper = _Sweeper(celery, settings)

    @worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
    def die_with_parent(**_: Any) -> None:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    @worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
    def start(**_: Any) -> None:
        sweeper.start()

    @worker_shutting_down.connect(weak=False)  # type: ignore[untyped-decorator]
    def set_deadline(how: str, **_: Any) -> None:
        # Celery waits for the merge without limit, and its soft shutdown waits the whole time even if none runs.
        if how == "Warm":
            timer = threading.Timer(settings.shutdown_seconds, os.kill, (os.getpid(), signal.SIGQUIT))
            timer.daemon = True
            timer.start()

    @worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
    def stop(**_: Any) -> None:
        sweeper.stop()


class _Sweeper:
    """Periodic duties: notifies lineages again, cancels overdue merges, writes manifests, reports the worker alive.

    A lineage needs another notification when its message was lost or its worker died. Manifests are due after changes
    that no worker made, such as a moved alias.
    """

    def __init__(self, celery: Celery, settings: WorkerSettings) -> None:
        self._celery = celery
        self._settings = settings
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        state = StateStore.open(self._settings.redis_url)
        while not self._stopped.wait(self._settings.sweep_seconds):
            try:
                state.metrics.report_worker(self._name, "alive", self._alive())
                state.merges.cancel_overdue()
                self._sweep(state)
                self._write_manifests(state)
            except (StoreUnavailable, StorageFull, OperationalError, OSError) as error:
                _log.warning("The sweep failed and is retried at the next interval: %s", error)
        with contextlib.suppress(StoreUnavailable):
            state.metrics.forget_worker(self._name)

    def _alive(self) -> dict[str, object]:
        disk = os.statvfs(self._settings.data_dir)
        return {"seen_at": time.time(), "disk_free": disk.f_bavail * disk.f_frsize}

    def _sweep(self, state: StateStore) -> None:
        waiting = state.claims.waiting_lineages()
        if waiting and not self._queued_messages():
            for lineage in waiting:
                self._celery.send_task(ADVANCE, args=[lineage], queue=QUEUE)

    def _write_manifests(self, state: StateStore) -> None:
        if not self._settings.blobs_url:
            write_due(state.manifests, FileManifests(self._settings.data_dir))
        elif state.manifests.due_manifests():
            # In a separate process: an S3 client does not survive the fork of this worker's next child.
            subprocess.run((sys.executable, "-m", "registry.admin", "manifests"), capture_output=True, check=False)

    def _queued_messages(self) -> int:
        """Number of messages that no worker has taken yet; while there are some, more would only pile up."""
        with self._celery.connection_for_read() as connection:
            return int(connection.default_channel.queue_declare(queue=QUEUE, durable=True).message_count)
