"""What every state store must do, on the real server."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.harness.state_reader import LedgerReader
from registry.base_record import now
from registry.errors import (
    LeaseLost,
    LineageExists,
    LineageNotFound,
    MergeEnded,
    MergeNotFound,
    StoreUnavailable,
    VersionNotFound,
)
from registry.lineage import Lineage
from registry.merge import Claim, Merge, MergeProblem, MergeState, Progress
from registry.recipe import AverageRecipe
from registry.state.merges import new_merge_id
from registry.state.state_store import StateStore
from registry.task import Task
from registry.version import Version, VersionReference
from standalone.valkey import EmbeddedValkey

_DIGEST = "sha256:" + "0" * 64
_LONG = 60_000


@pytest.fixture
def reader(server: EmbeddedValkey) -> Iterator[LedgerReader]:
    with LedgerReader(server.url) as reader:
        yield reader


@pytest.fixture
def store(server: EmbeddedValkey) -> Iterator[StateStore]:
    store = StateStore.open(server.url)
    yield store
    store.close()


def _lineage(store: StateStore, name: str = "a") -> Lineage:
    lineage = Lineage(name=name, base=_DIGEST, recipe=AverageRecipe(), created_at=now())
    base = Version(lineage=name, number=0, weights=_DIGEST, size=1, created_at=now())
    return store.lineages.create(lineage, base)


def _enqueue(store: StateStore, lineage: str = "a", task: str = "t") -> Merge:
    merge = Merge(
        id=new_merge_id(),
        lineage=lineage,
        task=Task(name=task),
        recipe=AverageRecipe(),
        checkpoint=_DIGEST,
        created_at=now(),
    )
    return store.merges.enqueue(merge)


def _claim(store: StateStore, lineage: str = "a", lease_ms: int = _LONG, attempts: int = 3) -> Claim:
    claim = store.claims.claim(lineage, lease_ms, attempts)
    assert claim is not None
    return claim


def _next(store: StateStore, claim: Claim) -> Version:
    parent = store.versions.head(claim.merge.lineage)
    return Version(
        lineage=parent.lineage,
        number=parent.number + 1,
        weights=_DIGEST,
        size=1,
        tasks=(claim.merge.task,),
        report={"a": 1},
        created_at=now(),
    )


def _expire(store: StateStore, lineage: str = "a") -> None:
    deadline = time.monotonic() + 90
    while lineage not in store.claims.waiting_lineages():
        assert time.monotonic() < deadline


def test_a_lineage_begins_with_version_0(store: StateStore) -> None:
    lineage = _lineage(store)
    assert store.lineages.get("a") == lineage
    assert store.versions.head("a").number == 0
    assert list(store.lineages.list()) == [lineage]


def test_creating_the_same_lineage_again_returns_the_first(store: StateStore) -> None:
    assert _lineage(store) == _lineage(store)


def test_another_lineage_of_the_same_name_is_a_conflict(store: StateStore) -> None:
    lineage = _lineage(store)
    with pytest.raises(LineageExists):
        store.lineages.create(lineage.model_copy(update={"calibration_budget": 7}), store.versions.head("a"))


def test_missing_records_are_not_found(store: StateStore) -> None:
    for ask in (store.lineages.get, store.versions.head):
        with pytest.raises(LineageNotFound):
            ask("x")
    with pytest.raises(MergeNotFound):
        store.merges.get("mrg_x")
    with pytest.raises(LineageNotFound):
        _enqueue(store, "x")
    _lineage(store)
    for text in ("a@1", "a@-1", "a@x", "x@0", "a@01"):
        with pytest.raises(VersionNotFound):
            store.versions.get(VersionReference.parse(text))


def test_a_merge_is_queued_then_running_then_succeeded(store: StateStore) -> None:
    _lineage(store)
    queued = _enqueue(store)
    assert (queued.state, queued.attempt) == (MergeState.QUEUED, 0)
    claim = _claim(store)
    assert claim.merge.id == queued.id
    assert store.merges.get(queued.id).state is MergeState.RUNNING
    progress = Progress(phase="merging", step=1, t=0.1, T=0.5, losses={"t": 1.0, "u": None})
    assert store.claims.renew(claim, _LONG, progress) is False
    assert store.merges.get(queued.id).progress == progress
    assert store.claims.commit(claim, _next(store, claim)) == 1
    ended = store.merges.get(queued.id)
    assert (ended.state, ended.version, ended.progress, ended.report) == (MergeState.SUCCEEDED, 1, None, {"a": 1})
    assert store.versions.head("a").number == 1
    assert store.versions.get(VersionReference.parse("a@latest")) == store.versions.head("a")


def test_a_repeated_commit_returns_the_existing_version(store: StateStore) -> None:
    _lineage(store)
    _enqueue(store)
    claim = _claim(store)
    version = _next(store, claim)
    assert [store.claims.commit(claim, version) for _ in range(3)] == [1, 1, 1]
    assert store.versions.head("a").number == 1


def test_merges_of_a_lineage_run_in_order_and_one_at_a_time(store: StateStore, reader: LedgerReader) -> None:
    _lineage(store)
    ids = [_enqueue(store).id for _ in range(3)]
    ran = []
    for _ in ids:
        claim = _claim(store)
        assert store.claims.claim("a", _LONG, 3) is None
        ran.append(claim.merge.id)
        store.claims.commit(claim, _next(store, claim))
    assert ran == ids
    assert store.claims.claim("a", _LONG, 3) is None
    assert [merge.id for merge in reader.merges("a")] == ids[::-1]


def test_lineages_run_side_by_side(store: StateStore) -> None:
    for name in ("a", "b"):
        _lineage(store, name)
        _enqueue(store, name)
    assert set(store.claims.waiting_lineages()) == {"a", "b"}
    assert _claim(store, "a").merge.lineage == "a"
    assert _claim(store, "b").merge.lineage == "b"
    assert list(store.claims.waiting_lineages()) == []


def test_only_one_of_many_workers_claims_a_merge(store: StateStore) -> None:
    _lineage(store)
    _enqueue(store)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: store.claims.claim("a", _LONG, 3), range(32)))
    assert sum(claim is not None for claim in claims) == 1


def test_an_expired_lease_is_taken_over_and_the_old_worker_is_refused(store: StateStore) -> None:
    _lineage(store)
    merge = _enqueue(store)
    slow = _claim(store, lease_ms=1)
    _expire(store)
    fast = _claim(store)
    assert (fast.merge.id, fast.merge.attempt) == (merge.id, 2)
    assert fast.fence > slow.fence
    with pytest.raises(LeaseLost):
        store.claims.renew(slow, _LONG, None)
    with pytest.raises(LeaseLost):
        store.claims.commit(slow, _next(store, slow))
    with pytest.raises(LeaseLost):
        store.claims.end(slow, MergeState.FAILED, None)
    assert store.versions.head("a").number == 0
    assert store.claims.commit(fast, _next(store, fast)) == 1


def test_an_expired_lease_that_nobody_took_can_still_be_renewed(store: StateStore) -> None:
    _lineage(store)
    _enqueue(store)
    claim = _claim(store, lease_ms=1)
    _expire(store)
    assert store.claims.renew(claim, _LONG, None) is False
    assert store.claims.claim("a", _LONG, 3) is None


def test_a_merge_that_its_workers_never_survive_fails_and_the_next_one_runs(store: StateStore) -> None:
    _lineage(store)
    deadly, fine = _enqueue(store), _enqueue(store)
    for _ in range(2):
        _claim(store, lease_ms=1, attempts=2)
        _expire(store)
    assert _claim(store, attempts=2).merge.id == fine.id
    ended = store.merges.get(deadly.id)
    assert ended.state is MergeState.FAILED
    assert ended.problem is not None
    assert ended.problem.type == "/problems/worker-lost"
    assert "started 2 times" in ended.problem.detail


def test_a_failed_merge_leaves_head_and_lets_the_next_one_run(store: StateStore) -> None:
    _lineage(store)
    first, second = _enqueue(store), _enqueue(store)
    problem = MergeProblem(type="/problems/x", title="x", detail="y")
    store.claims.end(_claim(store), MergeState.FAILED, problem)
    assert store.merges.get(first.id).problem == problem
    assert store.versions.head("a").number == 0
    assert _claim(store).merge.id == second.id


def test_a_version_of_another_parent_is_not_committed(store: StateStore) -> None:
    _lineage(store)
    _enqueue(store)
    claim = _claim(store)
    version = _next(store, claim).model_copy(update={"number": 2})
    with pytest.raises(LeaseLost, match="head has moved"):
        store.claims.commit(claim, version)


def test_a_queued_merge_is_cancelled_at_once(store: StateStore) -> None:
    _lineage(store)
    first, second = _enqueue(store), _enqueue(store)
    assert store.merges.request_cancel(first.id).state is MergeState.CANCELLED
    assert store.merges.request_cancel(first.id).state is MergeState.CANCELLED
    assert _claim(store).merge.id == second.id


def test_a_running_merge_that_is_cancelled_is_not_committed(store: StateStore) -> None:
    _lineage(store)
    merge = _enqueue(store)
    claim = _claim(store)
    assert store.merges.request_cancel(merge.id).cancel_requested
    assert store.claims.renew(claim, _LONG, None) is True
    with pytest.raises(LeaseLost, match="cancelled"):
        store.claims.commit(claim, _next(store, claim))
    store.claims.end(claim, MergeState.CANCELLED, None)
    assert store.merges.get(merge.id).state is MergeState.CANCELLED


def test_a_cancelled_merge_whose_worker_died_is_not_started_again(store: StateStore) -> None:
    _lineage(store)
    merge = _enqueue(store)
    _claim(store, lease_ms=1)
    store.merges.request_cancel(merge.id)
    _expire(store)
    assert store.claims.claim("a", _LONG, 3) is None
    assert store.merges.get(merge.id).state is MergeState.CANCELLED


def test_an_ended_merge_cannot_be_cancelled(store: StateStore) -> None:
    _lineage(store)
    merge = _enqueue(store)
    claim = _claim(store)
    store.claims.commit(claim, _next(store, claim))
    with pytest.raises(MergeEnded):
        store.merges.request_cancel(merge.id)


def test_versions_are_listed_newest_first_by_pages(store: StateStore, reader: LedgerReader) -> None:
    _lineage(store)
    for _ in range(4):
        _enqueue(store)
        claim = _claim(store)
        store.claims.commit(claim, _next(store, claim))
    assert [version.number for version in reader.versions("a", 3)] == [4, 3, 2]
    assert [version.number for version in reader.versions("a", 3, before=2)] == [1, 0]
    assert list(reader.versions("a", 3, before=0)) == []


def test_acknowledged_merges_survive_a_sigkill_of_the_server(server: EmbeddedValkey, store: StateStore) -> None:
    _lineage(store)
    merge = _enqueue(store)
    server.kill()
    with pytest.raises(StoreUnavailable):
        store.merges.get(merge.id)
    server.start()
    assert store.merges.get(merge.id) == merge
    assert _claim(store).merge.id == merge.id
