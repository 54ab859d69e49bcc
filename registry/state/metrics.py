"""What workers count, what they say of themselves, and how long the queues are, in Redis or Valkey."""

import json
import time
from collections.abc import Mapping, Sequence

from registry.state.connection import RedisConnection, answers
from registry.state.keys import FIGURES, LINEAGES, WORKERS, LineageKeys
from registry.worker_metrics import Counts, QueueFigure, WorkerMetric

_FORGOTTEN_AFTER = 600.0


class RedisMetrics(RedisConnection):
    """Figures. Safe to share between threads; any method may raise StoreUnavailable."""

    def count(self, counts: Counts) -> None:
        """Add to the figures."""
        if not counts.fields:
            return
        with answers(), self._redis.pipeline(transaction=False) as pipeline:
            for name, by in counts.fields.items():
                pipeline.hincrbyfloat(FIGURES, name, by)
            pipeline.execute()

    def counted(self) -> Mapping[str, float]:
        """All fields of the figures, for `registry.worker_metrics.counters` and `histograms`."""
        with answers():
            return {name: float(value) for name, value in self._redis.hgetall(FIGURES).items()}

    def note_worker(self, name: str, part: str, said: Mapping[str, object]) -> None:
        """Keep one part of what a worker says of itself: `alive` from its parent process, `gpu` from its child."""
        with answers():
            self._redis.hset(WORKERS, f"{name} {part}", json.dumps(said))

    def forget_worker(self, name: str) -> None:
        """A worker has ended in good order."""
        with answers():
            self._redis.hdel(WORKERS, f"{name} alive", f"{name} gpu")

    def workers(self) -> Sequence[WorkerMetric]:
        """The workers that spoke in the last ten minutes, by name; older ones are forgotten."""
        with answers():
            parts = self._redis.hgetall(WORKERS)
            found = []
            for name in sorted({field.rpartition(" ")[0] for field in parts}):
                said = json.loads(parts.get(f"{name} alive", "{}")) | json.loads(parts.get(f"{name} gpu", "{}"))
                if said.get("seen_at", 0) > time.time() - _FORGOTTEN_AFTER:
                    found.append(WorkerMetric.model_validate({"name": name} | said))
                else:
                    self._redis.hdel(WORKERS, f"{name} alive", f"{name} gpu")
        return found

    def queues(self) -> Sequence[QueueFigure]:
        """Every lineage's queue, by name."""
        with answers():
            names = sorted(self._redis.smembers(LINEAGES))
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.time()
            for name in names:
                keys = LineageKeys(name)
                pipeline.llen(keys.queue)
                pipeline.lindex(keys.queue, 0)
                pipeline.get(keys.head)
            (seconds, microseconds), *found = pipeline.execute()
            firsts = [(name, merge) for name, merge in zip(names, found[1::3], strict=True) if merge]
            pipeline = self._redis.pipeline(transaction=False)
            for name, merge in firsts:
                pipeline.hget(LineageKeys(name).merge(merge), "created")
            created = dict(zip((name for name, _ in firsts), pipeline.execute(), strict=True))
        clock = int(seconds) * 1000 + int(microseconds) // 1000
        return [
            QueueFigure(
                lineage=name,
                depth=depth,
                oldest_seconds=max(0, clock - int(created.get(name) or clock)) / 1000,
                versions=int(head or 0) + 1,
            )
            for name, depth, head in zip(names, found[::3], found[2::3], strict=True)
        ]
