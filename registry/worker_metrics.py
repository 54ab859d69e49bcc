"""Worker metrics: counters and histograms in the state store, exposed by the gateway's /metrics.

A worker has no port of its own and its child process is replaced now and then, so its counts are added to one hash,
over all workers and restarts. A count whose reply was lost may be added twice; nothing depends on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from registry.base_record import Record

BUCKETS: Final = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Upper bounds of the histogram buckets in seconds; the last bucket has none."""


@dataclass(frozen=True)
class Metric:
    """A metric's name without its prefix `odem_`, its help text, and its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


MERGES = Metric("merges", "Merges that ended on a worker, by method and outcome.", ("method", "outcome"))
SECONDS = Metric("merge_seconds", "Seconds of merges on workers, by method and phase.", ("method", "phase"))
GRADIENTS = Metric("gradient_evaluations", "Gradients over the calibration memory that merges computed.", ("method",))
RETRIES = Metric("merge_retries", "Attempts after a merge's first: its worker died or lost its lease.", ("method",))
STALE = Metric(
    "stale_commits",
    "Results that were not committed: another worker had the merge, it was cancelled, or head had moved.",
)
LEASES_LOST = Metric("leases_lost", "Leases that had expired when their worker renewed them.")
COUNTERS: Final = (MERGES, GRADIENTS, RETRIES, STALE, LEASES_LOST)


@dataclass
class Counts:
    """Increments of the metrics: field of the hash -> amount."""

    fields: dict[str, float] = field(default_factory=dict)

    def add(self, metric: Metric, *labels: str, by: float = 1.0) -> None:
        """Increment a counter. Labels are words without spaces, in the metric's order."""
        self._add(" ".join((metric.name, *labels)), by)

    def observe(self, metric: Metric, *labels: str, seconds: float) -> None:
        """Add a duration to a histogram."""
        bucket = next((str(number) for number, end in enumerate(BUCKETS) if seconds <= end), "last")
        for part, by in ((bucket, 1.0), ("count", 1.0), ("sum", seconds)):
            self._add(" ".join((metric.name, *labels, part)), by)

    def _add(self, name: str, by: float) -> None:
        self.fields[name] = self.fields.get(name, 0.0) + by


def counters(fields: Mapping[str, float], metric: Metric) -> Iterator[tuple[tuple[str, ...], float]]:
    """(labels, value) of a counter."""
    for name, value in sorted(fields.items()):
        name_part, *labels = name.split(" ")
        if name_part == metric.name and len(labels) == len(metric.labels):
            yield tuple(labels), value


def histograms(
    fields: Mapping[str, float], metric: Metric
) -> Iterator[tuple[tuple[str, ...], list[tuple[str, float]], float]]:
    """(labels, cumulative buckets by their upper end, sum of seconds) of a histogram."""
    result: dict[tuple[str, ...], dict[str, float]] = {}
    for name, value in sorted(fields.items()):
        first, *labels = name.split(" ")
        if first == metric.name and len(labels) == len(metric.labels) + 1:
            result.setdefault(tuple(labels[:-1]), {})[labels[-1]] = value
    for labels_of, parts in result.items():
        total, buckets = 0.0, []
        for number, end in enumerate(BUCKETS):
            total += parts.get(str(number), 0.0)
            buckets.append((str(end), total))
        yield labels_of, [*buckets, ("+Inf", total + parts.get("last", 0.0))], parts.get("sum", 0.0)


class QueueMetric(Record):
    """A lineage's unfinished merges. oldest_seconds: age of the first of them; 0 without any."""

    lineage: str
    depth: int
    oldest_seconds: float
    versions: int


class WorkerMetric(Record):
    """A worker's report, sent every few seconds. seen_at: seconds since 1970. The rest are bytes.

    gpu_peak: the worker's peak during its last merge. gpu_used: used on the whole device after it. gpu_total: all.
    """

    name: str
    seen_at: float
    disk_free: int
    gpu_peak: int | None = None
    gpu_used: int | None = None
    gpu_total: int | None = None
