"""Chaos: merges in several lineages while gateway, workers and state store are killed at random.

`python -m benchmarks.chaos [--quick] [--seed N]`. Real processes and real files: Valkey, the gateway and four workers.
One client sends merges over HTTP and sends again what was not acknowledged, so a merge whose acknowledgement was lost
may be there twice, as two merges; what was acknowledged is what must not be lost. Meanwhile processes are killed with
SIGKILL and started again, and workers that have just begun a merge are stopped (SIGSTOP) until their lease is over.
At the end every blob is hashed, and the same merges are run in the same order in quiet lineages of the same service.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.fault_injection.client import Client, Sent
from benchmarks.fault_injection.stack import LEASE_SECONDS, WORKERS, Stack
from benchmarks.harness.ledger import LedgerReader
from registry.admin.verify import verify
from registry.blobs.files import FileBlobStore
from registry.blobs.manifests import FileManifests
from registry.manifest import write_due
from registry.merge import Merge, MergeState
from registry.state.state_store import StateStore


@dataclass(frozen=True)
class Plan:
    """How much: lineages, merges in each, and at least how many kills (seconds apart on average: `pause`)."""

    lineages: int = 10
    merges: int = 20
    kills: int = 40
    pause: float = 2.5


QUICK = Plan(lineages=3, merges=6, kills=5, pause=2.0)


@dataclass(frozen=True)
class Figures:
    """See benchmarks/README.md.

    pauses: workers that were stopped in a merge. differing: versions whose bytes are not those of the quiet run.
    stale_refused: commits of workers that another one had replaced; stopped_late: such workers that noticed before
    their commit. retries: starts beyond each merge's first.
    """

    merges: int
    kills: int
    pauses: int
    lost: int
    doubled: int
    gaps: int
    unverified: int
    differing: int
    stale_refused: int
    stopped_late: int
    retries: int
    seconds: float


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _disturb(house: Stack, plan: Plan, sent: Sent, luck: random.Random) -> None:
    """Kill until everything was sent and enough kills were done. In the main thread: see standalone/pdeathsig.py."""
    targets = ["gateway", "valkey", *house.workers]
    while not (sent.complete and house.kills >= plan.kills):
        time.sleep(luck.uniform(0.5, 2 * plan.pause - 0.5))
        if luck.random() < 0.25:
            house.pause_a_busy_worker(luck.choice(house.workers), LEASE_SECONDS + 2.0)
        else:
            target = luck.choice(targets)
            house.kill(target)
            _say(f"{house.kills:3d} kills, {house.pauses} pauses, {sent.count} merges acknowledged; last: {target}")
    house.resume_all()


def _wait_for_all(ledger: LedgerReader, names: list[str], deadline: float = 600.0) -> None:
    end = time.monotonic() + deadline
    while any(not merge.state.terminal for name in names for merge in _merges(ledger, name)):
        if time.monotonic() > end:
            _say("not all merges have ended")
            return
        time.sleep(0.5)


def _merges(ledger: LedgerReader, name: str) -> list[Merge]:
    """A lineage's merges in the order in which they were queued."""
    return list(ledger.merges(name))[::-1]


def _judge(house: Stack, ledger: LedgerReader, state: StateStore, sent: Sent, names: list[str]) -> dict[str, int]:
    lost = doubled = gaps = 0
    for name in names:
        merges = {merge.id: merge for merge in _merges(ledger, name)}
        for merge_id in sent.ids(name):
            lost += merge_id not in merges or merges[merge_id].state is not MergeState.SUCCEEDED
        versions = list(ledger.versions(name))[::-1]
        gaps += [version.number for version in versions] != list(range(len(versions)))
        makers = [version.provenance.merge for version in versions if version.provenance]
        doubled += len(makers) - len(set(makers))
        doubled += abs(len(makers) - sum(merge.version is not None for merge in merges.values()))
    write_due(state.manifests, FileManifests(house.data), wait=True)
    findings = list(verify(state, FileManifests(house.data), FileBlobStore(house.data)))
    for finding in findings[:20]:
        _say(finding)
    return {"lost": lost, "doubled": doubled, "gaps": gaps, "unverified": len(findings)}


def _compare_with_quiet(ledger: LedgerReader, client: Client, names: list[str]) -> int:
    """Run the same merges in the same order without disturbance; returns how many versions differ."""
    _say("the same merges again, quietly")
    quiet = [f"quiet-{name}" for name in names]
    for name, copy in zip(names, quiet, strict=True):
        client.create_lineage(copy)
        for merge in _merges(ledger, name):
            if merge.version is not None:
                client.send(copy, merge.task.name, merge.checkpoint)
    _wait_for_all(ledger, quiet)
    differing = 0
    for name, copy in zip(names, quiet, strict=True):
        left = [version.weights for version in ledger.versions(name)]
        right = [version.weights for version in ledger.versions(copy)]
        differing += abs(len(left) - len(right)) + sum(a != b for a, b in zip(left, right, strict=False))
    return differing


def measure(plan: Plan, seed: int, folder: Path) -> Figures:
    """Run it in a folder of its own."""
    luck = random.Random(seed)
    names = [f"line{index}" for index in range(plan.lineages)]
    started = time.monotonic()
    with Stack(folder) as house:
        client = Client(house.url, folder / "checkpoints", seed)
        state, ledger = StateStore.open(house.redis_url), LedgerReader(house.redis_url)
        for name in names:
            client.create_lineage(name)
        sent = client.send_all_in_background(names, plan.merges, pace=plan.pause * plan.kills / 2)
        _disturb(house, plan, sent, luck)
        sent.join()
        _say(f"all sent after {time.monotonic() - started:.0f} s; waiting for the merges to end")
        _wait_for_all(ledger, names)
        judged = _judge(house, ledger, state, sent, names)
        merges = [merge for name in names for merge in _merges(ledger, name)]
        seconds = time.monotonic() - started
        differing = _compare_with_quiet(ledger, client, names)
        state.close()
        ledger.close()
        return Figures(
            merges=sent.count,
            kills=house.kills,
            pauses=house.pauses,
            differing=differing,
            stale_refused=house.count_said("its fence is no longer the newest", "its end was not recorded"),
            stopped_late=house.count_said("The merge stops here"),
            retries=sum(max(0, merge.attempt - 1) for merge in merges),
            seconds=seconds,
            **judged,
        )


def main() -> None:
    """Measure, print the table, then the figures as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within about a minute")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else Plan()
    with tempfile.TemporaryDirectory(prefix="odem-chaos-") as folder:
        figures = measure(plan, arguments.seed, Path(folder))
    print(f"{plan.lineages} lineages, {WORKERS} workers, lease {LEASE_SECONDS:g} s")
    for name, value in asdict(figures).items():
        print(f"  {name:14} {value:>8.6g}")
    print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
