"""Growth: what reading, listing and committing cost with ten thousand versions, beside what they cost with ten.

`python -m benchmarks.growth [--quick]`. Two real Valkey servers with production's settings, one with ten versions in
one lineage, one with ten thousand in a hundred; the same calls on both by turns, so that a busy machine slows both.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis

from benchmarks.harness.state_reader import LedgerReader
from registry.base_record import now
from registry.lineage import Lineage
from registry.merge import Claim, Merge
from registry.recipe import AverageRecipe
from registry.state.merges import new_merge_id
from registry.state.state_store import StateStore
from registry.task import Task
from registry.version import Provenance, Version, VersionReference
from standalone.valkey import EmbeddedValkey

_DIGEST = "sha256:" + "0" * 64
_TEN = 10
_TASKS = tuple(Task(name=f"task{index}", classnames=tuple(f"class {c}" for c in range(10))) for index in range(10))
_REPORT = {"tasks": {task.name: {"after": {"loss": 0.5, "accuracy": 0.9}} for task in _TASKS}, "path": [0.1] * 50}


@dataclass(frozen=True)
class Plan:
    """lineages × versions in the large store; rounds of the measurement."""

    lineages: int = 100
    versions: int = 100
    rounds: int = 400


QUICK = Plan(lineages=100, versions=20, rounds=100)


class _Store:
    """A state store on a server of its own."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedValkey(folder)
        self._server.start()
        self.state = StateStore.open(self._server.url)
        self.ledger = LedgerReader(self._server.url)
        self._client = redis.Redis.from_url(self._server.url)

    def fill(self, lineages: int, versions: int) -> None:
        """Empty it, then make lineages with versions 0 to `versions` - 1, by merges; unsynced, as it is not timed."""
        self._client.flushall()
        self._client.config_set("appendfsync", "no")
        for name in (f"line{index}" for index in range(lineages)):
            lineage = Lineage(name=name, base=_DIGEST, recipe=AverageRecipe(), created_at=now())
            self.state.lineages.create(
                lineage, Version(lineage=name, number=0, weights=_DIGEST, size=1, created_at=now())
            )
            for number in range(1, versions):
                self.state.claims.commit(*self.prepare(name, number))
        self._client.config_set("appendfsync", "always")

    def prepare(self, name: str, number: int) -> tuple[Claim, Version]:
        """A merge that has only to be committed."""
        merge = Merge(
            id=new_merge_id(),
            lineage=name,
            task=_TASKS[0],
            recipe=AverageRecipe(),
            checkpoint=_DIGEST,
            created_at=now(),
        )
        self.state.merges.enqueue(merge)
        claim = self.state.claims.claim(name, 60_000, 3)
        assert claim is not None
        provenance = Provenance(
            parent=number - 1,
            merge=merge.id,
            checkpoint=_DIGEST,
            recipe=merge.recipe,
            code="0",
            libraries={"torch": "2"},
            device="cpu",
        )
        version = Version(
            lineage=name,
            number=number,
            weights=_DIGEST,
            size=1,
            tasks=_TASKS,
            provenance=provenance,
            report=_REPORT,
            created_at=now(),
        )
        return claim, version

    def close(self) -> None:
        """Stop the server."""
        self.state.close()
        self.ledger.close()
        self._client.close()
        self._server.stop()
        self._server.close()


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1e3


def measure(plan: Plan, folder: Path) -> dict[str, tuple[float, float]]:
    """Median milliseconds of each call with ten versions and with many."""
    small, large = _Store(folder / "small"), _Store(folder / "large")
    try:
        print(f"making {plan.lineages * plan.versions} versions", file=sys.stderr, flush=True)
        large.fill(plan.lineages, plan.versions)
        times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ("read", "list", "commit")}
        for turn in range(plan.rounds):
            if turn % _TEN == 0:
                small.fill(1, _TEN)
            for side, (store, name) in enumerate([(small, "line0"), (large, f"line{turn % plan.lineages}")]):
                _measure_once(store, name, turn, [times[call][side] for call in ("read", "list", "commit")])
        return {name: (statistics.median(ten), statistics.median(many)) for name, (ten, many) in times.items()}
    finally:
        small.close()
        large.close()


def _measure_once(store: _Store, name: str, turn: int, into: list[list[float]]) -> None:
    reference = VersionReference(lineage=name, version=str(1 + turn % (_TEN - 1)))
    into[0].append(_timed(lambda: store.state.versions.get(reference)))
    # Pages of the same length; all entries but the base have a report.
    into[1].append(_timed(lambda: store.ledger.versions(name, _TEN - 1)))
    claim, version = store.prepare(name, store.state.versions.head(name).number + 1)
    into[2].append(_timed(lambda: store.state.claims.commit(claim, version)))


def main() -> None:
    """Measure, print the table, then the metrics as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two thousand versions instead of ten thousand")
    plan = QUICK if parser.parse_args().quick else Plan()
    with tempfile.TemporaryDirectory(prefix="odem-growth-") as folder:
        seconds = measure(plan, Path(folder))
    print(f"median ms     10 versions   {plan.lineages * plan.versions:>6} versions   ratio")
    for name, (ten, many) in seconds.items():
        print(f"{name:12} {ten:>12.3f} {many:>17.3f} {many / ten:>7.2f}")
    print(json.dumps({f"{name}_ratio": many / ten for name, (ten, many) in seconds.items()}))


if __name__ == "__main__":
    main()
