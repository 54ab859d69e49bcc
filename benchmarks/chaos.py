"""Chaos benchmark: merges in several lineages while the gateway, workers and the state store are killed at random.

`python -m benchmarks.chaos [--quick] [--seed N]`. Real processes and real files: Valkey, the gateway and four workers.
A client sends merges over HTTP and repeats requests that were not acknowledged, so a merge whose acknowledgement was
lost may exist twice; no acknowledged merge may be lost. Meanwhile processes are killed with SIGKILL and restarted, and
workers that have just claimed a merge are stopped (SIGSTOP) until their lease expires. At the end every blob is hashed,
and the same merges run in the same order in undisturbed lineages of the same service.
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
from benchmarks.harness.state_reader import LedgerReader
from registry.admin.verify import verify
from registry.blobs.files import FileBlobStore
from registry.blobs.manifests import FileManifests
from registry.manifest import write_due
from registry.merge import Merge, MergeState
from registry.state.state_store import StateStore


@dataclass(frozen=True)
class Plan:
    """Numbers of lineages and of merges in each, the minimum number of kills, and the mean seconds between kills."""

    lineages: int = 10
    merges: int = 20
    kills: int = 40
    pause: float = 2.5


QUICK = Plan(lineages=3, merges=6, kills=5, pause=2.0)


@dataclass(frozen=True)
class Metrics:
    """See benchmarks/README.md.

    pauses: workers stopped during a merge. differing: versions whose bytes differ from the undisturbed run.
    stale_refused: refused commits of workers whose merge another one had taken over; stopped_late: workers that noticed
    the takeover before their commit. retries: attempts beyond each merge's first.
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


def _disturb(stack: Stack, plan: Plan, sent: Sent, luck: random.Random) -> None:
    """Kill processes until every merge was sent. Runs in the main thread: see standalone/pdeathsig.py."""
    targets = ["gateway", "valkey", *stack.workers]
    while not (sent.complete and stack.kills >= plan.kills):
        time.sleep(luck.uniform(0.5, 2 * plan.pause - 0.5))
        if luck.random() < 0.25:
            stack.pause_a_busy_worker(luck.choice(stack.workers), LEASE_SECONDS + 2.0)
        else:
            target = luck.choice(targets)
            stack.kill(target)
            _say(f"{stack.kills:3d} kills, {stack.pauses} pauses, {sent.count} merges acknowledged; last: {target}")
    stack.resume_all()


def _wait_for_all(ledger: LedgerReader, names: list[str], deadline: float = 600.0) -> None:
    end = time.monotonic() + deadline
    while any(not merge.state.terminal for name in names for merge in _merges(ledger, name)):
        if time.monotonic() > end:
            _say("not all merges have finished")
            return
        time.sleep(0.5)


def _merges(ledger: LedgerReader, name: str) -> list[Merge]:
    """A lineage's merges in the order in which they were queued."""
    return list(ledger.merges(name))[::-1]


def _verify(stack: Stack, ledger: LedgerReader, state: StateStore, sent: Sent, names: list[str]) -> dict[str, int]:
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
    write_due(state.manifests, FileManifests(stack.data), wait=True)
    findings = list(verify(state, FileManifests(stack.data), FileBlobStore(stack.data)))
    for finding in findings[:20]:
        _say(finding)
    return {"lost": lost, "doubled": doubled, "gaps": gaps, "unverified": len(findings)}


def _compare_with_quiet(ledger: LedgerReader, client: Client, names: list[str]) -> int:
    """Run the same merges in the same order without faults; returns the number of versions that differ."""
    _say("the same merges again, without faults")
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


def measure(plan: Plan, seed: int, folder: Path) -> Metrics:
    """Run the benchmark in an empty folder."""
    luck = random.Random(seed)
    names = [f"line{index}" for index in range(plan.lineages)]
    started = time.monotonic()
    with Stack(folder) as stack:
        client = Client(stack.url, folder / "checkpoints", seed)
        state, ledger = StateStore.open(stack.redis_url), LedgerReader(stack.redis_url)
        for name in names:
            client.create_lineage(name)
        sent = client.send_all_in_background(names, plan.merges, pace=plan.pause * plan.kills / 2)
        _disturb(stack, plan, sent, luck)
        sent.join()
        _say(f"all sent after {time.monotonic() - started:.0f} s; waiting for the merges to end")
        _wait_for_all(ledger, names)
        counts = _verify(stack, ledger, state, sent, names)
        merges = [merge for name in names for merge in _merges(ledger, name)]
        seconds = time.monotonic() - started
        differing = _compare_with_quiet(ledger, client, names)
        state.close()
        ledger.close()
        return Metrics(
            merges=sent.count,
            kills=stack.kills,
            pauses=stack.pauses,
            differing=differing,
            stale_refused=stack.count_log_lines("its fence is no longer the newest", "its end was not recorded"),
            stopped_late=stack.count_log_lines("This attempt stops"),
            retries=sum(max(0, merge.attempt - 1) for merge in merges),
            seconds=seconds,
            **counts,
        )


def main() -> None:
    """Measure, print the table, then the metrics as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run of about a minute")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else Plan()
    with tempfile.TemporaryDirectory(prefix="odem-chaos-") as folder:
        metrics = measure(plan, arguments.seed, Path(folder))
    print(f"{plan.lineages} lineages, {WORKERS} workers, lease {LEASE_SECONDS:g} s")
    for name, value in asdict(metrics).items():
        print(f"  {name:14} {value:>8.6g}")
    print(json.dumps(asdict(metrics)))


if __name__ == "__main__":
    main()
