"""Metrics in Prometheus's text format: what this gateway counts itself, and what it reads from the stores when asked.

The workers' figures and the queues stand in the state store, so each gateway tells the same ones: with several gateways
take their `max`, not their `sum`.
"""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry import CODE_VERSION
from registry.errors import StoreUnavailable
from registry.state.metrics import MetricsRepository
from registry.worker_metrics import COUNTERS, SECONDS, WorkerMetric, counters, histograms

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_UNMATCHED = "(none)"


class RouteMetrics(NamedTuple):
    """Counters of one method, route and status."""

    requests: Counter
    seconds: Histogram
    received: Counter
    sent: Counter


class Metrics:
    """One gateway's metrics. Safe to use from the event loop and from threads."""

    def __init__(self, stored: MetricsRepository, data_dir: Path) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route")
        self.requests = Counter(
            "odem_http_requests", "Requests that were answered.", (*labels, "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "odem_http_request_seconds",
            "From a request's head to its answer's last byte.",
            labels,
            buckets=(0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0),
            registry=self._registry,
        )
        self.received = Counter(
            "odem_http_received_bytes", "Bytes of bodies that clients sent.", labels, registry=self._registry
        )
        self.sent = Counter("odem_http_sent_bytes", "Bytes of bodies that were sent.", labels, registry=self._registry)
        self.open = Gauge("odem_http_open_requests", "Requests that are being answered.", registry=self._registry)
        self._routes: dict[tuple[str, str, str], RouteMetrics] = {}
        ProcessCollector(namespace="odem_gateway", registry=self._registry)
        self._registry.register(_Stores(stored, data_dir))

    def of_route(self, method: str, route: str, status: str) -> RouteMetrics:
        """What counts answers of one kind. Kinds are few, and finding them by labels costs more than counting."""
        result = self._routes.get((method, route, status))
        if result is None:
            result = self._routes[(method, route, status)] = RouteMetrics(
                self.requests.labels(method, route, status),
                self.seconds.labels(method, route),
                self.received.labels(method, route),
                self.sent.labels(method, route),
            )
        return result

    def text(self) -> bytes:
        """The present state of everything, in the format MEDIA_TYPE."""
        return generate_latest(self._registry)


class MetricsMiddleware:
    """ASGI middleware: counts requests and their bytes by the template of the route that answered them."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        received = sent = 0
        status = "cut off"

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def counting_send(message: Message) -> None:
            nonlocal sent, status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            sent += len(message.get("body", b""))
            try:
                await send(message)
            finally:
                # Of a file, the server says how much the client took.
                sent += message.get("sent", 0)

        self._metrics.open.inc()
        try:
            await self._app(scope, counting_receive, counting_send)
        finally:
            self._metrics.open.dec()
            route = getattr(scope.get("route"), "path", _UNMATCHED)
            method = scope["method"] if route != _UNMATCHED else _UNMATCHED
            counters_of = self._metrics.of_route(method, route, status)
            counters_of.requests.inc()
            counters_of.seconds.observe(time.perf_counter() - started)
            counters_of.received.inc(received)
            counters_of.sent.inc(sent)


class _Stores(Collector):
    """What the stores say at the moment of asking. A state store that is away costs its own metrics only."""

    def __init__(self, stored: MetricsRepository, data_dir: Path) -> None:
        self._stored = stored
        self._data_dir = data_dir

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        yield _gauge("odem_build_info", "Which release answers.", [((CODE_VERSION,), 1.0)], ("version",))
        if self._data_dir.is_dir():
            disk = os.statvfs(self._data_dir)
            free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
            yield _gauge("odem_disk_free_bytes", "Free bytes on the disk of this gateway's data folder.", [((), free)])
            yield _gauge("odem_disk_size_bytes", "Size of the disk of this gateway's data folder.", [((), size)])
        up = 1.0
        try:
            yield from self._state()
        except StoreUnavailable:
            up = 0.0
        yield _gauge("odem_state_store_up", "Whether the state store answers.", [((), up)])

    def _state(self) -> Iterable[Metric]:
        queues, fields, workers = self._stored.queues(), self._stored.counters(), self._stored.workers()
        result: list[Metric] = []
        for name, text, values in (
            ("odem_queue_depth", "Merges of a lineage that have not ended.", [(q.lineage, q.depth) for q in queues]),
            (
                "odem_queue_oldest_seconds",
                "How long ago the first of a lineage's merges that have not ended was sent.",
                [(q.lineage, q.oldest_seconds) for q in queues],
            ),
            ("odem_versions", "Versions of a lineage, retired ones too.", [(q.lineage, q.versions) for q in queues]),
        ):
            result.append(_gauge(name, text, [((lineage,), float(value)) for lineage, value in values], ("lineage",)))
        for metric in COUNTERS:
            counter = CounterMetricFamily(f"odem_{metric.name}", metric.help, labels=metric.labels)
            values_of = list(counters(fields, metric))
            for labels, value in values_of or ([((), 0.0)] if not metric.labels else []):
                counter.add_metric(labels, value)
            result.append(counter)
        histogram = HistogramMetricFamily(f"odem_{SECONDS.name}", SECONDS.help, labels=SECONDS.labels)
        for labels, buckets, total in histograms(fields, SECONDS):
            histogram.add_metric(labels, buckets=buckets, sum_value=total)
        return [*result, histogram, *_workers(workers)]


def _workers(workers: Iterable[WorkerMetric]) -> Iterator[Metric]:
    result = list(workers)
    now = time.time()
    rows: tuple[tuple[str, str, list[tuple[str, float | None]]], ...] = (
        ("seen_seconds", "How long ago a worker last spoke.", [(w.name, max(0.0, now - w.seen_at)) for w in result]),
        (
            "disk_free_bytes",
            "Free bytes on the disk of a worker's data folder.",
            [(w.name, w.disk_free) for w in result],
        ),
        (
            "gpu_peak_bytes",
            "GPU memory that a worker held at most in its last merge.",
            [(w.name, w.gpu_peak) for w in result],
        ),
        (
            "gpu_used_bytes",
            "GPU memory in use on its device after its last merge.",
            [(w.name, w.gpu_used) for w in result],
        ),
        ("gpu_size_bytes", "Memory of a worker's GPU.", [(w.name, w.gpu_total) for w in result]),
    )
    yield _gauge("odem_workers", "Workers that spoke in the last ten minutes.", [((), float(len(result)))])
    for name, text, values in rows:
        reported = [((worker,), float(value)) for worker, value in values if value is not None]
        yield _gauge(f"odem_worker_{name}", text, reported, ("worker",))


def _gauge(
    name: str, text: str, values: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family
