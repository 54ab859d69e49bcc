"""`python -m benchmarks.load [--quick]`: 500 small requests a second, a hundred watchers, one core."""

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.client import Broadcaster, Times, request, run
from benchmarks.load.stack import LINEAGES, Stack


@dataclass(frozen=True)
class Plan:
    """Seconds of each phase; how many connections, requests a second, watchers, and steps that these are told of."""

    seconds: float = 20.0
    connections: int = 16
    rate: float = 500.0
    watchers: int = 100
    steps: int = 100


QUICK = Plan(seconds=5.0, steps=30)


@dataclass(frozen=True)
class Load:
    """Requests at the plan's pace, and as fast as possible, and the share of a core at that pace."""

    paced: Times
    fastest: Times
    core: float


def _mix(stack: Stack) -> list[bytes]:
    """Read a version, list versions, list merges, read a merge: a quarter each."""
    paths = []
    for index, merge in enumerate(stack.merges):
        line = f"line{index % LINEAGES}"
        paths += [f"/models/{line}@{1 + index % 19}", f"/models?lineage={line}&limit=10"]
        paths += [f"/merges?lineage={line}&limit=10", f"/merges/{merge}"]
    return [request(path, stack.token) for path in paths]


async def _load(stack: Stack, plan: Plan) -> Load:
    mix = _mix(stack)
    await run(stack.port, mix, plan.connections, 2.0, None)  # until everything has run once
    before = stack.busy_seconds
    paced = await run(stack.port, mix, plan.connections, plan.seconds, plan.rate)
    core = (stack.busy_seconds - before) / paced.elapsed
    return Load(paced, await run(stack.port, mix, plan.connections, plan.seconds / 2, None), core)


async def _watch(stack: Stack, plan: Plan) -> tuple[float, int]:
    """Megabytes that the watchers add while merges go on, and the number of events they received."""
    claims = [stack.begin(f"line{index}") for index in range(LINEAGES)]
    asked = [
        request(f"/merges/{claims[index % LINEAGES].merge.id}/events", stack.token) for index in range(plan.watchers)
    ]
    first = Broadcaster()
    await first.open(stack.port, asked[:1])  # so that what the first watcher sets up for all is not counted
    before = stack.memory_mb
    watchers = Broadcaster()
    await watchers.open(stack.port, asked)
    maximum = stack.memory_mb
    for step in range(plan.steps):
        for claim in claims:
            await asyncio.to_thread(stack.progress, claim, step)
        await asyncio.sleep(0.05)
        maximum = max(maximum, stack.memory_mb)
    events = watchers.events
    await watchers.close()
    await first.close()
    return maximum - before, events


def _say(name: str, load: Load) -> None:
    times = load.paced
    print(
        f"{name:12} {times.rate:9.1f} {times.percentile(0.5):8.2f} {times.percentile(0.99):8.2f} "
        f"{times.percentile(0.999):8.2f} {times.wrong:6d} {load.core:8.0%} {load.fastest.rate:11.0f}"
    )


def main() -> None:
    """Measure, print the table, then the metrics as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 s in place of 20")
    plan = QUICK if parser.parse_args().quick else Plan()
    loads: dict[bool, Load] = {}
    for auth in (False, True):
        print(f"{'with' if auth else 'without'} API keys", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="odem-load-") as folder, Stack(Path(folder), auth=auth) as stack:
            loads[auth] = asyncio.run(_load(stack, plan))
            megabytes, events = asyncio.run(_watch(stack, plan))
    print("              req/s    p50 ms   p99 ms p99.9 ms  wrong     core  at most/s")
    _say("no keys", loads[False])
    _say("API keys", loads[True])
    print(f"{plan.watchers} watchers add {megabytes:.1f} MB; they received {events} events")
    metrics = {
        "requests_per_second": loads[True].paced.rate,
        "p50_ms": loads[True].paced.percentile(0.5),
        "p99_ms": loads[True].paced.percentile(0.99),
        "sse_watchers": plan.watchers,
        "sse_mb": megabytes,
        "most_per_second": loads[True].fastest.rate,
        "core_share": loads[True].core,
        "open_p50_ms": loads[False].paced.percentile(0.5),
        "open_p99_ms": loads[False].paced.percentile(0.99),
        "open_most_per_second": loads[False].fastest.rate,
        "wrong": loads[False].paced.wrong + loads[True].paced.wrong,
    }
    print(json.dumps(metrics))


if __name__ == "__main__":
    main()
