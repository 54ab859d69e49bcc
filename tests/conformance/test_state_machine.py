"""Random interleavings of workers, clients, clocks and crashes, against a model that fits on a page.

The real scripts run on a real server; only its clock is the test's. Workers keep every claim that they ever got, so a
worker that paused and woke up is a claim that is used late. A call whose answer got lost is a call that is made twice.
"""

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from benchmarks.harness.state_reader import LedgerReader
from registry.base_record import now
from registry.errors import LeaseLost, MergeEnded
from registry.lineage import Lineage
from registry.merge import Claim, Merge, MergeState, Progress
from registry.recipe import AverageRecipe
from registry.state.merges import new_merge_id
from registry.state.state_store import StateStore
from registry.task import Task
from registry.version import Version, VersionReference
from standalone.valkey import EmbeddedValkey
from tests.conformance.servers import ClockedClient

_BASE = "sha256:" + "0" * 64
_NAMES = ("a", "b")
_LEASE = 1_000
_ATTEMPTS = 3
_EPOCH = 1_700_000_000_000

lineages = st.sampled_from(_NAMES)
pick = st.integers(0, 10**6)
twice = st.booleans()


@dataclass
class _Job:
    """What the model knows of a merge."""

    id: str
    state: str = "queued"
    attempt: int = 0
    cancel: bool = False
    version: int | None = None


@dataclass
class _Line:
    """What the model knows of a lineage. `holder` is the claim that may commit, `expires` when its lease ends."""

    jobs: list[_Job] = field(default_factory=list)
    versions: list[str] = field(default_factory=lambda: [_BASE])
    holder: int | None = None
    expires: int = 0

    @property
    def queue(self) -> list[_Job]:
        return [job for job in self.jobs if job.state in {"queued", "running"}]


@dataclass
class _Held:
    """A claim in some worker's hands, and the head that the worker saw when it began."""

    claim: Claim
    job: _Job
    parent: int


class Interleavings(RuleBasedStateMachine):
    """See the module."""

    server: ClassVar[EmbeddedValkey]
    client: ClassVar[ClockedClient]
    store: ClassVar[StateStore]
    reader: ClassVar[LedgerReader]

    @initialize()
    def begin(self) -> None:
        self.client.empty()
        self.clock = _EPOCH
        self.client.set_clock(self.clock)
        self.lines = {name: _Line() for name in _NAMES}
        self.held: dict[str, list[_Held]] = {name: [] for name in _NAMES}
        self.crashes = 0
        for name in _NAMES:
            lineage = Lineage(name=name, base=_BASE, recipe=AverageRecipe(), created_at=now())
            base = Version(lineage=name, number=0, weights=_BASE, size=1, created_at=now())
            self.store.lineages.create(lineage, base)

    # Clients

    @rule(name=lineages, again=twice)
    def enqueue(self, name: str, again: bool) -> None:
        merge = Merge(
            id=new_merge_id(),
            lineage=name,
            task=Task(name="t"),
            recipe=AverageRecipe(),
            checkpoint=_BASE,
            created_at=now(),
        )
        for _ in range(1 + again):
            self.store.merges.enqueue(merge)
        self.lines[name].jobs.append(_Job(merge.id))

    @precondition(lambda self: any(line.jobs for line in self.lines.values()))
    @rule(which=pick)
    def cancel(self, which: int) -> None:
        jobs = [job for line in self.lines.values() for job in line.jobs]
        job = jobs[which % len(jobs)]
        if job.state in {"succeeded", "failed", "rejected"}:
            with pytest.raises(MergeEnded):
                self.store.merges.request_cancel(job.id)
            return
        self.store.merges.request_cancel(job.id)
        if job.state == "cancelled":
            return  # a worker may have ended it so by itself, and nothing is asked of what has ended
        job.cancel = True
        if job.state == "queued":
            job.state = "cancelled"

    @rule(name=lineages, which=pick, again=twice, late=st.booleans())
    def roll_back(self, name: str, which: int, again: bool, late: bool) -> None:
        line = self.lines[name]
        source = which % len(line.versions)
        number = len(line.versions)
        old = self.store.versions.get(VersionReference(lineage=name, version=str(source)))
        made = old.model_copy(update={"number": number, "origin": old.reference, "created_at": now()})
        seed = token_hex(4)
        if late and number > 1:
            assert not self.store.versions.append(made.model_copy(update={"number": number - 1}), source, seed)
            return
        for _ in range(1 + again):
            assert self.store.versions.append(made, source, seed) == number
        line.versions.append(old.weights)

    # Workers

    @rule(name=lineages)
    def claim(self, name: str) -> None:
        line = self.lines[name]
        claim = self.store.claims.claim(name, _LEASE, _ATTEMPTS)
        if line.holder is not None:
            left = line.expires - self.clock
            if left > _LEASE:
                line.expires = self.clock + _LEASE
            if left > 0:
                assert claim is None
                return
            line.holder = None
        while line.queue and (line.queue[0].cancel or line.queue[0].attempt >= _ATTEMPTS):
            line.queue[0].state = "cancelled" if line.queue[0].cancel else "failed"
        if not line.queue:
            assert claim is None
            return
        job = line.queue[0]
        assert claim is not None
        assert claim.merge.id == job.id, "not the first of the queue"
        job.state, job.attempt = "running", job.attempt + 1
        assert claim.merge.attempt == job.attempt
        assert claim.fence > max((held.claim.fence for held in self.held[name]), default=0), "the fence did not rise"
        line.holder, line.expires = claim.fence, self.clock + _LEASE
        self.held[name].append(_Held(claim, job, len(line.versions) - 1))

    @rule(name=lineages)
    def take_over(self, name: str) -> None:
        """A worker sleeps beyond its lease, and another one comes."""
        self.enqueue(name, again=False)
        self.claim(name)
        self.move_clock(_LEASE + 1)
        self.claim(name)

    @precondition(lambda self: any(len(held) > 1 for held in self.held.values()))
    @rule(which=pick, back=st.integers(1, 3), again=twice, ending=st.booleans())
    def wake_up_late(self, which: int, back: int, again: bool, ending: bool) -> None:
        """A worker of an older claim wakes up and wants to commit, or to end its merge."""
        names = [name for name, held in self.held.items() if len(held) > 1]
        name = names[which % len(names)]
        held = self.held[name][max(0, len(self.held[name]) - 1 - back)]
        if not ending:
            for _ in range(1 + again):
                self._commit(self.lines[name], held)
        elif self.lines[name].holder != held.claim.fence and held.job.state == "running":
            with pytest.raises(LeaseLost):
                self.store.claims.end(held.claim, MergeState.FAILED, None)

    @rule(name=lineages, which=pick, progress=st.booleans())
    def renew(self, name: str, which: int, progress: bool) -> None:
        if not (held := self._some_claim(name, which)):
            return
        line = self.lines[name]
        shown = Progress(phase="merging", step=which) if progress else None
        if line.holder != held.claim.fence:
            with pytest.raises(LeaseLost):
                self.store.claims.renew(held.claim, _LEASE, shown)
            return
        assert self.store.claims.renew(held.claim, _LEASE, shown) == held.job.cancel
        line.expires = self.clock + _LEASE

    @rule(name=lineages, which=pick, again=twice)
    def commit(self, name: str, which: int, again: bool) -> None:
        if not (held := self._some_claim(name, which)):
            return
        for _ in range(1 + again):
            self._commit(self.lines[name], held)

    def _commit(self, line: _Line, held: _Held) -> None:
        weights = f"sha256:{held.claim.fence:064x}"
        version = Version(
            lineage=held.claim.merge.lineage, number=held.parent + 1, weights=weights, size=1, created_at=now()
        )
        job = held.job
        if line.holder != held.claim.fence:
            if job.state == "succeeded" and line.versions[job.version or 0] == weights:
                assert self.store.claims.commit(held.claim, version) == job.version
                return
            with pytest.raises(LeaseLost):
                self.store.claims.commit(held.claim, version)
            return
        line.holder = None
        if job.cancel:
            job.state = "cancelled"
            with pytest.raises(LeaseLost, match="cancelled"):
                self.store.claims.commit(held.claim, version)
            return
        if held.parent != len(line.versions) - 1:
            job.state, job.attempt = "queued", job.attempt - 1
            with pytest.raises(LeaseLost, match="head has moved"):
                self.store.claims.commit(held.claim, version)
            return
        line.versions.append(weights)
        job.state, job.version = "succeeded", len(line.versions) - 1
        assert self.store.claims.commit(held.claim, version) == job.version

    @rule(name=lineages, which=pick, state=st.sampled_from(["failed", "cancelled"]), again=twice)
    def end(self, name: str, which: int, state: str, again: bool) -> None:
        if not (held := self._some_claim(name, which)):
            return
        line = self.lines[name]
        if line.holder == held.claim.fence:
            line.holder, held.job.state = None, state
            for _ in range(1 + again):
                self.store.claims.end(held.claim, MergeState(state), None)

    # The world

    @rule(milliseconds=st.sampled_from([1, 400, 999, 1000, 1001, 5000, 3_600_000, -1, -700, -1500, -86_400_000]))
    def move_clock(self, milliseconds: int) -> None:
        self.clock += milliseconds
        self.client.set_clock(self.clock)

    @precondition(lambda self: self.crashes < 1)
    @rule(luck=st.integers(0, 9))
    def crash_the_server(self, luck: int) -> None:
        if luck == 7:
            self.crashes += 1
            self.server.kill()
            self.server.start()

    # What must be true after every step

    @invariant()
    def every_merge_is_where_the_model_has_it(self) -> None:
        for name, line in self.lines.items():
            result = {merge.id: merge for merge in self.reader.merges(name)}
            assert list(result) == [job.id for job in reversed(line.jobs)]
            for job in line.jobs:
                merge = result[job.id]
                seen = (merge.state.value, merge.attempt, merge.cancel_requested, merge.version)
                assert seen == (job.state, job.attempt, job.cancel, job.version)

    @invariant()
    def versions_are_consecutive_and_never_change(self) -> None:
        for name, line in self.lines.items():
            result = self.reader.versions(name)[::-1]
            assert [version.number for version in result] == list(range(len(line.versions)))
            assert [version.weights for version in result] == line.versions
            assert self.store.versions.head(name).number == len(line.versions) - 1
            made = [job.version for job in line.jobs if job.version is not None]
            assert len(made) == len(set(made)), "a merge made two versions"
            newest = self.store.versions.get(VersionReference(lineage=name, version=str(len(line.versions) - 1)))
            assert newest == result[-1]

    @invariant()
    def the_sweep_finds_whoever_waits(self) -> None:
        waiting = set()
        for name, line in self.lines.items():
            live = line.holder is not None and 0 < line.expires - self.clock <= _LEASE
            if line.queue and not live:
                waiting.add(name)
        assert set(self.store.claims.waiting_lineages()) == waiting

    def teardown(self) -> None:
        """Whatever happened before: with workers that live, everything ends, in order."""
        if not hasattr(self, "clock"):
            return
        for name, line in self.lines.items():
            for _ in range(2 * len(line.jobs) + 2):
                self.move_clock(2 * _LEASE)
                self.claim(name)
                if line.holder is not None and self.held[name][-1].claim.fence == line.holder:
                    self._commit(line, self.held[name][-1])
            assert not line.queue
            assert self.store.claims.claim(name, _LEASE, _ATTEMPTS) is None
        self.every_merge_is_where_the_model_has_it()
        self.versions_are_consecutive_and_never_change()

    def _some_claim(self, name: str, which: int) -> Any:
        held = self.held[name]
        # The newest claim is as likely as all others together: most workers are not late.
        return held[-1 if which % 2 else (which // 2) % len(held)] if held else None


def _run(server: EmbeddedValkey, examples: int, steps: int) -> None:
    class Machine(Interleavings):
        """The machine on one server."""

    Machine.server = server
    Machine.client = ClockedClient(server.url)
    Machine.store, Machine.reader = StateStore(Machine.client), LedgerReader(server.url)
    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                # Shrinking a failure takes minutes on a real server; add Phase.shrink to get a short one.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        Machine.store.close()
        Machine.reader.close()
        server.stop()


def test_no_interleaving_breaks_the_ledger_quickly(server: EmbeddedValkey) -> None:
    _run(server, examples=8, steps=20)


@pytest.mark.slow
def test_no_interleaving_breaks_the_ledger(server: EmbeddedValkey) -> None:
    _run(server, examples=40, steps=40)
