"""Figures: what workers count while they run merges, kept in the state store and shown by the gateway's /metrics.

A worker has no port of its own and its child ends now and then, so its counts go where they survive both: into one
hash, added up over all workers and restarts. A count whose answer was lost may be added twice; nothing depends on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from registry.base_record import Record

BUCKETS: Final = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Upper ends of the histogram of seconds; the last bucket has none."""


@dataclass(frozen=True)
class Figure:
    """A name without its prefix `odem_`, what it counts, and the labels that split it."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


MERGES = Figure("merges", "Merges that ended on a worker, by method and outcome.", ("method", "outcome"))
SECONDS = Figure("merge_seconds", "Seconds of merges on workers, by method and phase.", ("method", "phase"))
GRADIENTS = Figure("gradient_evaluations", "Gradients over the calibration memory that merges took.", ("method",))
RETRIES = Figure("merge_retries", "Attempts after a merge's first: its worker died or lost its lease.", ("method",))
STALE = Figure(
    "stale_commits",
    "Finished work that was not taken: another worker had the merge by then, it was cancelled, or head had moved.",
)
LEASES_LOST = Figure("leases_lost", "Leases that were gone when their worker renewed them.")
COUNTERS: Final = (MERGES, GRADIENTS, RETRIES, STALE, LEASES_LOST)


@dataclass
class Counts:
    """What is to be added to the figures: field of the hash -> by how much."""

    fields: dict[str, float] = field(default_factory=dict)

    def add(self, figure: Figure, *labels: str, by: float = 1.0) -> None:
        """Count something. Labels are words without spaces, in the figure's order."""
        self._add(" ".join((figure.name, *labels)), by)

    def observe(self, figure: Figure, *labels: str, seconds: float) -> None:
        """Put a time into a histogram."""
        bucket = next((str(number) for number, end in enumerate(BUCKETS) if seconds <= end), "last")
        for part, by in ((bucket, 1.0), ("count", 1.0), ("sum", seconds)):
            self._add(" ".join((figure.name, *labels, part)), by)

    def _add(self, name: str, by: float) -> None:
        self.fields[name] = self.fields.get(name, 0.0) + by


def counters(fields: Mapping[str, float], figure: Figure) -> Iterator[tuple[tuple[str, ...], float]]:
    """(labels, value) of a counter."""
    for name, value in sorted(fields.items()):
        found, *labels = name.split(" ")
        if found == figure.name and len(labels) == len(figure.labels):
            yield tuple(labels), value


def histograms(
    fields: Mapping[str, float], figure: Figure
) -> Iterator[tuple[tuple[str, ...], list[tuple[str, float]], float]]:
    """(labels, cumulative buckets by their upper end, sum of seconds) of a histogram."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for name, value in sorted(fields.items()):
        first, *labels = name.split(" ")
        if first == figure.name and len(labels) == len(figure.labels) + 1:
            found.setdefault(tuple(labels[:-1]), {})[labels[-1]] = value
    for labels_of, parts in found.items():
        total, buckets = 0.0, []
        for number, end in enumerate(BUCKETS):
            total += parts.get(str(number), 0.0)
            buckets.append((str(end), total))
        yield labels_of, [*buckets, ("+Inf", total + parts.get("last", 0.0))], parts.get("sum", 0.0)


class QueueMetric(Record):
    """A lineage's merges that have not ended. oldest_seconds: since the first of them was sent; 0 without any."""

    lineage: str
    depth: int
    oldest_seconds: float
    versions: int


class WorkerMetric(Record):
    """What a worker says of itself every few seconds. seen_at: seconds since 1970. The rest are bytes.

    The GPU's: what the worker held at most during its last merge, what was used on the whole device after it, and all.
    """

    name: str
    seen_at: float
    disk_free: int
    gpu_peak: int | None = None
    gpu_used: int | None = None
    gpu_total: int | None = None
