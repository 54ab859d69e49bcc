"""The one Celery task, and the sweeper that rings where a message was lost."""

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
_FAREWELL_SECONDS = 1.0
_log = logging.getLogger(__name__)


def register(celery: Celery, settings: WorkerSettings) -> None:
    """Add the task and the sweeper to the application."""

    @celery.task(name=ADVANCE)  # type: ignore[untyped-decorator]
    def advance(lineage: str) -> None:  # noqa: ARG001  it says why the bell rang; who waits longest comes first
        """Run a merge, if one waits; then ring for the next. Every merge that waits has a bell, so all are run."""
        from worker.run_merge import run_next  # noqa: PLC0415  torch is imported in the child only: it does not survive a fork

        if served := run_next(settings):
            celery.send_task(ADVANCE, args=[served], queue=QUEUE)

    sweeper = _Sweeper(celery, settings)

    @worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
    def die_with_parent(**_: Any) -> None:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    @worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
    def start(**_: Any) -> None:
        sweeper.start()

    @worker_shutting_down.connect(weak=False)  # type: ignore[untyped-decorator]
    def set_deadline(how: str, **_: Any) -> None:
        # Celery waits for the merge without end; its own soft shutdown waits to the end even when the merge is over.
        if how == "Warm":
            timer = threading.Timer(settings.shutdown_seconds, os.kill, (os.getpid(), signal.SIGQUIT))
            timer.daemon = True
            timer.start()

    @worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
    def stop(**_: Any) -> None:
        sweeper.stop()


class _Sweeper:
    """Rings for lineages that wait unheard, cancels overdue merges, writes manifests, says that the worker lives.

    A lineage waits unheard when its message was lost or its worker died. Manifests are due after changes that no
    worker made, such as an alias that was moved.
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
        self._thread.join(_FAREWELL_SECONDS)

    def _run(self) -> None:
        state = StateStore.open(self._settings.redis_url)
        while not self._stopped.wait(self._settings.sweep_seconds):
            try:
                state.metrics.report_worker(self._name, "alive", self._alive())
                state.merges.cancel_overdue()
                self._sweep(state)
                self._write_manifests(state)
            except (StoreUnavailable, StorageFull, OperationalError, OSError) as error:
                _log.warning("The sweep was put off: %s", error)
        with contextlib.suppress(StoreUnavailable):
            state.metrics.forget_worker(self._name)

    def _alive(self) -> dict[str, object]:
        disk = os.statvfs(self._settings.data_dir)
        return {"seen_at": time.time(), "disk_free": disk.f_bavail * disk.f_frsize}

    def _sweep(self, state: StateStore) -> None:
        waiting = state.claims.waiting_lineages()
        if waiting and not self._unread_notifications():
            for lineage in waiting:
                self._celery.send_task(ADVANCE, args=[lineage], queue=QUEUE)

    def _write_manifests(self, state: StateStore) -> None:
        if not self._settings.blobs_url:
            write_due(state.manifests, FileManifests(self._settings.data_dir))
        elif state.manifests.due_manifests():
            # In a process of its own: a bucket's client does not survive the fork of this worker's next child.
            subprocess.run((sys.executable, "-m", "registry.admin", "manifests"), capture_output=True, check=False)

    def _unread_notifications(self) -> int:
        """Messages that no worker has taken yet; while there are some, ringing again would only pile them up."""
        with self._celery.connection_for_read() as connection:
            return int(connection.default_channel.queue_declare(queue=QUEUE, durable=True).message_count)
