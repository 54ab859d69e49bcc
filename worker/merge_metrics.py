"""What a merge costs: its phases timed, its outcome and its gradients counted, for the metrics."""

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
    """This worker, told apart from others: its host and the process that its children have as parent."""
    return f"{socket.gethostname()}:{os.getppid()}"


class Account:
    """Of one attempt at a merge. `report` stands before the lease's own."""

    def __init__(self, claim: Claim) -> None:
        self.counts = Counts()
        self._method = str(claim.merge.recipe.method)
        self._started = self._since = time.perf_counter()
        self._phase = "opening"
        if claim.merge.attempt > 1:
            self.counts.add(worker_metrics.RETRIES, self._method)

    def watching(self, report: Callable[[Progress], None]) -> Callable[[Progress], None]:
        """The same report, with a look at the phase."""

        def watched(progress: Progress) -> None:
            if progress.phase != self._phase:
                self._turn(progress.phase)
            report(progress)

        return watched

    def made(self, version: Version) -> None:
        """A version was made; whether it is committed shows later."""
        gradients = (version.report or {}).get("gradient_evaluations")
        if gradients:
            self.counts.add(worker_metrics.GRADIENTS, self._method, by=float(gradients))

    def ended(self, outcome: str) -> None:
        """The attempt ended the merge."""
        self._turn("")
        self.counts.observe(worker_metrics.SECONDS, self._method, "all", seconds=time.perf_counter() - self._started)
        self.counts.add(worker_metrics.MERGES, self._method, outcome)

    def refused(self, *, lease_lost: bool) -> None:
        """The attempt was for nothing."""
        self.counts.add(worker_metrics.LEASES_LOST if lease_lost else worker_metrics.STALE)

    def _turn(self, phase: str) -> None:
        now = time.perf_counter()
        self.counts.observe(worker_metrics.SECONDS, self._method, self._phase, seconds=now - self._since)
        self._phase, self._since = phase, now


def gpu_memory(device: torch.device) -> dict[str, int]:
    """Fields of a WorkerMetric; nothing for a device that is no GPU. The peak counts from the last call on."""
    if device.type != "cuda":
        return {}
    free, total = torch.cuda.mem_get_info(device)
    peak = torch.cuda.max_memory_reserved(device)
    torch.cuda.reset_peak_memory_stats(device)
    return {"gpu_peak": peak, "gpu_used": total - free, "gpu_total": total}
