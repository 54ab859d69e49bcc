"""Merge metrics: the duration of each phase, the outcome, gradient evaluations and GPU memory of a merge attempt."""

import os
import socket
import time
from collections.abc import Callable

import torch

from registry import worker_metrics
from registry.merge import Claim, Progress
from registry.version import Version
from registry.worker_metrics import Counts


def worker_name() -> str:
    """The worker's unique name: its host, and the id of the process that its children have as parent."""
    return f"{socket.gethostname()}:{os.getppid()}"


class MergeMetrics:
    """Counts and durations of one attempt at a merge."""

    def __init__(self, claim: Claim) -> None:
        self.counts = Counts()
        self._method = str(claim.merge.recipe.method)
        self._started = self._since = time.perf_counter()
        self._phase = "opening"
        if claim.merge.attempt > 1:
            self.counts.add(worker_metrics.RETRIES, self._method)

    def timing_phases(self, report: Callable[[Progress], None]) -> Callable[[Progress], None]:
        """Wrap `report` so that every change of phase is timed."""

        def timed_report(progress: Progress) -> None:
            if progress.phase != self._phase:
                self._begin(progress.phase)
            report(progress)

        return timed_report

    def record_version(self, version: Version) -> None:
        """Count the gradient evaluations of a version that is not committed yet."""
        gradients = (version.report or {}).get("gradient_evaluations")
        if gradients:
            self.counts.add(worker_metrics.GRADIENTS, self._method, by=float(gradients))

    def record_outcome(self, outcome: str) -> None:
        """Record that the attempt ended the merge, and how."""
        self._begin("")
        self.counts.observe(worker_metrics.SECONDS, self._method, "all", seconds=time.perf_counter() - self._started)
        self.counts.add(worker_metrics.MERGES, self._method, outcome)

    def record_lost(self, *, lease_lost: bool) -> None:
        """Record that another worker took the merge over, so that this attempt counts for nothing."""
        self.counts.add(worker_metrics.LEASES_LOST if lease_lost else worker_metrics.STALE)

    def _begin(self, phase: str) -> None:
        now = time.perf_counter()
        self.counts.observe(worker_metrics.SECONDS, self._method, self._phase, seconds=now - self._since)
        self._phase, self._since = phase, now


def gpu_memory(device: torch.device) -> dict[str, int]:
    """GPU memory in bytes, as fields of a WorkerMetric; empty without a GPU. Resets the peak."""
    if device.type != "cuda":
        return {}
    free, total = torch.cuda.mem_get_info(device)
    peak = torch.cuda.max_memory_reserved(device)
    torch.cuda.reset_peak_memory_stats(device)
    return {"gpu_peak": peak, "gpu_used": total - free, "gpu_total": total}
