"""Metrics in Prometheus's text format: this gateway's own, and those of queues and workers in the state store.

Every gateway reports the same values from the state store: of several gateways take the `max`, not the `sum`.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry import CODE_VERSION
from registry.errors import StoreUnavailable
from registry.state.metrics import MetricsRepository
from registry.worker_metrics import COUNTERS, SECONDS, counters, histograms

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
        own = partial(Counter, registry=self._registry)
        self._requests = own("odem_http_requests", "Requests that received a response.", (*labels, "status"))
        self._received = own("odem_http_received_bytes", "Bytes of request bodies received.", labels)
        self._sent = own("odem_http_sent_bytes", "Bytes of response bodies sent.", labels)
        self._seconds = Histogram(
            "odem_http_request_seconds",
            "From a request's head to the last byte of its response.",
            labels,
            buckets=(0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0),
            registry=self._registry,
        )
        self.open = Gauge("odem_http_open_requests", "Requests in progress.", registry=self._registry)
        self._routes: dict[tuple[str, str, str], RouteMetrics] = {}
        ProcessCollector(namespace="odem_gateway", registry=self._registry)
        self._registry.register(_StoredMetrics(stored, data_dir))

    def of_route(self, method: str, route: str, status: str) -> RouteMetrics:
        """Counters of one kind of response, cached: prometheus_client's look-up by labels is slower than counting."""
        result = self._routes.get((method, route, status))
        if result is None:
            result = self._routes[(method, route, status)] = RouteMetrics(
                self._requests.labels(method, route, status),
                self._seconds.labels(method, route),
                self._received.labels(method, route),
                self._sent.labels(method, route),
            )
        return result

    def text(self) -> bytes:
        """All metrics, in the format MEDIA_TYPE."""
        return generate_latest(self._registry)


class MetricsMiddleware:
    """ASGI middleware: counts requests and their bytes by the template of their route."""

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
                # For a file, the server reports how much the client accepted.
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


_Gauges = dict[str, tuple[str, Callable[[Any], float | None]]]
"""Name -> help, and the value for one row; None leaves the row out."""
_QUEUE_GAUGES: _Gauges = {
    "queue_depth": ("Unfinished merges of a lineage.", attrgetter("depth")),
    "queue_oldest_seconds": ("Age of a lineage's oldest unfinished merge.", attrgetter("oldest_seconds")),
    "versions": ("Versions of a lineage, including retired ones.", attrgetter("versions")),
}
_WORKER_GAUGES: _Gauges = {
    "worker_seen_seconds": (
        "Time since a worker's last report.",
        lambda worker: max(0.0, time.time() - worker.seen_at),
    ),
    "worker_disk_free_bytes": ("Free bytes on the disk of a worker's data folder.", attrgetter("disk_free")),
    "worker_gpu_peak_bytes": ("Peak GPU memory of a worker's last merge.", attrgetter("gpu_peak")),
    "worker_gpu_used_bytes": ("GPU memory in use on its device after its last merge.", attrgetter("gpu_used")),
    "worker_gpu_size_bytes": ("Memory of a worker's GPU.", attrgetter("gpu_total")),
}


class _StoredMetrics(Collector):
    """Metrics read from the stores at each request. While the state store is unavailable, only its own are missing."""

    def __init__(self, stored: MetricsRepository, data_dir: Path) -> None:
        self._stored = stored
        self._data_dir = data_dir

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        yield _gauge("build_info", "Release of this gateway.", {CODE_VERSION: 1.0}, "version")
        if self._data_dir.is_dir():
            disk = os.statvfs(self._data_dir)
            free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
            yield _gauge("disk_free_bytes", "Free bytes on the disk of this gateway's data folder.", free)
            yield _gauge("disk_size_bytes", "Size of the disk of this gateway's data folder.", size)
        up = True
        try:
            yield from self._state()
        except StoreUnavailable:
            up = False
        yield _gauge("state_store_up", "Whether the state store responds.", up)

    def _state(self) -> Iterable[Metric]:
        queues, fields, workers = self._stored.queues(), self._stored.counters(), self._stored.workers()
        metrics: list[Metric] = [_gauge("workers", "Workers that reported in the last ten minutes.", len(workers))]
        for name, (text, value_of) in _QUEUE_GAUGES.items():
            metrics.append(_gauge(name, text, {queue.lineage: value_of(queue) for queue in queues}, "lineage"))
        for name, (text, value_of) in _WORKER_GAUGES.items():
            metrics.append(_gauge(name, text, {worker.name: value_of(worker) for worker in workers}, "worker"))
        for metric in COUNTERS:
            counter = CounterMetricFamily(f"odem_{metric.name}", metric.help, labels=metric.labels)
            values_of = list(counters(fields, metric))
            for labels, value in values_of or ([((), 0.0)] if not metric.labels else []):
                counter.add_metric(labels, value)
            metrics.append(counter)
        histogram = HistogramMetricFamily(f"odem_{SECONDS.name}", SECONDS.help, labels=SECONDS.labels)
        for labels, buckets, total in histograms(fields, SECONDS):
            histogram.add_metric(labels, buckets=buckets, sum_value=total)
        return [*metrics, histogram]


def _gauge(name: str, text: str, value: float | Mapping[str, float | None], label: str = "") -> GaugeMetricFamily:
    """A gauge `odem_NAME`: one value, or the values that are not None by the value of its label."""
    if not isinstance(value, Mapping):
        return GaugeMetricFamily(f"odem_{name}", text, value=float(value))
    family = GaugeMetricFamily(f"odem_{name}", text, labels=[label])
    for label_value, item in value.items():
        if item is not None:
            family.add_metric([label_value], float(item))
    return family
