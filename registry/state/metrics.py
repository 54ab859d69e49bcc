"""Counters of the workers, their last reports, and the lengths of the queues, in Redis or Valkey."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from registry.state.connection import RedisClient
from registry.state.keys import LINEAGES, METRICS, WORKERS, LineageKeys
from registry.worker_metrics import Counts, QueueMetric, WorkerMetric

_FORGOTTEN_AFTER = 600.0


class StateMemory(NamedTuple):
    """Memory of the server in bytes. limit: its maxmemory, 0 without one."""

    used: int
    limit: int


class MetricsRepository:
    """Metrics. Safe to share between threads; any method may raise StoreUnavailable."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def add(self, counts: Counts) -> None:
        """Add to the counters."""
        if not counts.fields:
            return

        def write(server: Any) -> None:
            with server.pipeline(transaction=False) as pipeline:
                for name, by in counts.fields.items():
                    pipeline.hincrbyfloat(METRICS, name, by)
                pipeline.execute()

        self._client.call(write)

    def counters(self) -> Mapping[str, float]:
        """All counters, for `registry.worker_metrics.counters` and `histograms`."""
        stored = self._client.call(lambda server: server.hgetall(METRICS))
        return {name: float(value) for name, value in stored.items()}

    def report_worker(self, name: str, part: str, report: Mapping[str, object]) -> None:
        """Store one part of a worker's report: `alive` from its parent process, `gpu` from its child."""
        self._client.call(lambda server: server.hset(WORKERS, f"{name} {part}", json.dumps(report)))

    def forget_worker(self, name: str) -> None:
        """Remove a worker that has stopped."""
        self._client.call(lambda server: server.hdel(WORKERS, f"{name} alive", f"{name} gpu"))

    def memory(self) -> StateMemory:
        """The memory that the server uses, and may use."""
        info = self._client.call(lambda server: server.info("memory"))
        return StateMemory(int(info["used_memory"]), int(info.get("maxmemory", 0)))

    def workers(self) -> Sequence[WorkerMetric]:
        """The workers that reported in the last ten minutes, by name; older ones are forgotten."""
        parts = self._client.call(lambda server: server.hgetall(WORKERS))
        result = []
        for name in sorted({field.rpartition(" ")[0] for field in parts}):
            report = json.loads(parts.get(f"{name} alive", "{}")) | json.loads(parts.get(f"{name} gpu", "{}"))
            if report.get("seen_at", 0) > time.time() - _FORGOTTEN_AFTER:
                result.append(WorkerMetric.model_validate({"name": name} | report))
            else:
                self.forget_worker(name)
        return result

    def queues(self) -> Sequence[QueueMetric]:
        """Every lineage's queue, by name."""
        names = sorted(self._client.call(lambda server: server.smembers(LINEAGES)))
        (seconds, microseconds), *rows = self._client.call(lambda server: _read_queues(server, names))
        first = {name: merge for name, merge in zip(names, rows[1::3], strict=True) if merge}
        created = self._client.call(lambda server: _read_created(server, first))
        clock = int(seconds) * 1000 + int(microseconds) // 1000
        return [
            QueueMetric(
                lineage=name,
                depth=depth,
                oldest_seconds=max(0, clock - int(created.get(name) or clock)) / 1000,
                versions=int(head or 0) + 1,
            )
            for name, depth, head in zip(names, rows[::3], rows[2::3], strict=True)
        ]


def _read_queues(server: Any, lineages: Sequence[str]) -> list[Any]:
    """The server's clock, then length, first merge and head of every lineage."""
    pipeline = server.pipeline(transaction=False)
    pipeline.time()
    for name in lineages:
        keys = LineageKeys(name)
        pipeline.llen(keys.queue)
        pipeline.lindex(keys.queue, 0)
        pipeline.get(keys.head)
    replies: list[Any] = pipeline.execute()
    return replies


def _read_created(server: Any, merges: Mapping[str, str]) -> dict[str, Any]:
    """When each lineage's merge was created (milliseconds). `merges`: lineage -> id."""
    pipeline = server.pipeline(transaction=False)
    for lineage, merge in merges.items():
        pipeline.hget(LineageKeys(lineage).merge(merge), "created")
    return dict(zip(merges, pipeline.execute(), strict=True))
