"""What every state store must do with aliases, pins, rollback, retention; and when the clock jumps."""

from collections.abc import Iterator
from secrets import token_hex

import pytest

from registry.base_record import now
from registry.errors import AliasChanged, AliasNotFound, LeaseLost, VersionNotFound, VersionRetired
from registry.lineage import Lineage
from registry.merge import Claim, Merge, MergeState
from registry.recipe import AverageRecipe
from registry.retention import Retention
from registry.state.merges import new_merge_id
from registry.task import Task
from registry.version import Version, VersionReference
from standalone.valkey import EmbeddedValkey
from tests.conformance.servers import ClockedStore

_DIGEST = "sha256:" + "0" * 64
_LEASE = 10_000
_NOON = 1_700_000_000_000


@pytest.fixture
def store(server: EmbeddedValkey) -> Iterator[ClockedStore]:
    """Return a store with the lineage `a` of five versions."""
    store = ClockedStore(server.url)
    store.set_clock(_NOON)
    base = Version(lineage="a", number=0, weights=_DIGEST, size=1, created_at=now())
    store.create_lineage(Lineage(name="a", base=_DIGEST, recipe=AverageRecipe(), created_at=now()), base)
    for _ in range(4):
        _enqueue(store)
        _commit(store, _claim(store))
    yield store
    store.close()


def _enqueue(store: ClockedStore) -> Merge:
    merge = Merge(
        id=new_merge_id(),
        lineage="a",
        task=Task(name="t"),
        recipe=AverageRecipe(),
        checkpoint=_DIGEST,
        created_at=now(),
    )
    return store.enqueue(merge)


def _claim(store: ClockedStore) -> Claim:
    claim = store.claim("a", _LEASE, 3)
    assert claim is not None
    return claim


def _next(store: ClockedStore) -> Version:
    number = store.head("a").number + 1
    return Version(lineage="a", number=number, weights=f"sha256:{number:064x}", size=1, created_at=now())


def _commit(store: ClockedStore, claim: Claim) -> int:
    return store.commit(claim, _next(store))


def _repeat(store: ClockedStore, number: int) -> Version:
    source = store.get_version(VersionReference(lineage="a", version=str(number)))
    return source.model_copy(update={"number": store.head("a").number + 1, "origin": source.reference})


def test_an_alias_names_a_version_until_it_is_moved(store: ClockedStore) -> None:
    store.set_alias("a", "production", 2)
    assert store.get_version(VersionReference.parse("a@production")).number == 2
    store.set_alias("a", "production", 3)
    assert store.get_version(VersionReference.parse("a@production")).number == 3
    store.delete_alias("a", "production")
    with pytest.raises(VersionNotFound):
        store.get_version(VersionReference.parse("a@production"))
    with pytest.raises(AliasNotFound):
        store.delete_alias("a", "production")


def test_an_alias_is_changed_only_from_the_state_that_was_seen(store: ClockedStore) -> None:
    first = store.set_alias("a", "x", 1, "-")
    with pytest.raises(AliasChanged):
        store.set_alias("a", "x", 2, "-")
    second = store.set_alias("a", "x", 2, str(first.revision))
    for stale in (str(first.revision), "7654321"):
        with pytest.raises(AliasChanged):
            store.set_alias("a", "x", 3, stale)
        with pytest.raises(AliasChanged):
            store.delete_alias("a", "x", stale)
    assert store.get_alias("a", "x") == second
    store.delete_alias("a", "x", str(second.revision))
    with pytest.raises(AliasChanged):
        store.set_alias("a", "x", 1, "*")
    again = store.set_alias("a", "x", 2, "-")
    assert again.revision > second.revision, "an alias that was made anew must have another ETag"


def test_an_alias_of_no_version_is_refused(store: ClockedStore) -> None:
    with pytest.raises(VersionNotFound):
        store.set_alias("a", "x", 5)
    assert list(store.list_aliases("a")) == []


def test_a_rollback_is_a_new_version_with_the_old_weights(store: ClockedStore) -> None:
    old = store.get_version(VersionReference.parse("a@2"))
    assert store.append(_repeat(store, 2), 2, token_hex(4))
    head = store.head("a")
    assert (head.number, head.weights, head.origin) == (5, old.weights, "a@2")
    assert store.get_version(VersionReference.parse("a@2")) == old


def test_a_rollback_from_an_old_head_is_not_stored(store: ClockedStore) -> None:
    late = _repeat(store, 1)
    assert store.append(_repeat(store, 2), 2, token_hex(4))
    assert store.append(late, 1, token_hex(4)) is None
    assert store.head("a").origin == "a@2"


def test_a_rollback_that_is_asked_for_again_makes_no_second_version(store: ClockedStore) -> None:
    assert store.append(_repeat(store, 2), 2, "seed") == 5
    assert store.append(_repeat(store, 2), 2, "other") == 6
    assert store.append(_repeat(store, 2), 2, "seed") == 5
    assert store.head("a").number == 6


def test_a_merge_that_a_rollback_overtakes_starts_again_from_the_new_head(store: ClockedStore) -> None:
    merge = _enqueue(store)
    claim = _claim(store)
    version = _next(store)
    assert store.append(_repeat(store, 1), 1, token_hex(4))
    with pytest.raises(LeaseLost, match="head has moved"):
        store.commit(claim, version)
    waiting = store.get_merge(merge.id)
    assert (waiting.state, waiting.attempt) == (MergeState.QUEUED, 0)
    assert list(store.waiting_lineages()) == ["a"]
    again = _claim(store)
    assert again.merge.id == merge.id
    assert _commit(store, again) == 6


def test_retention_retires_all_but_the_last_the_aliased_the_pinned_and_the_base(store: ClockedStore) -> None:
    assert list(store.retire("a")) == [], "no rule keeps everything"
    store.set_alias("a", "production", 1)
    store.set_pin("a", 2, pinned=True)
    store.set_retention("a", Retention(keep_last=1))
    assert list(store.retire("a", preview=True)) == [3]
    assert all(version.retired_at is None for version in store.list_versions("a", 10))
    assert list(store.retire("a")) == [3]
    assert [version.number for version in store.list_versions("a", 10) if version.retired_at] == [3]
    assert list(store.retire("a")) == [], "what was retired is not retired again"
    store.set_pin("a", 2, pinned=False)
    assert list(store.retire("a")) == [2]


def test_a_retired_version_cannot_be_brought_back_by_a_name(store: ClockedStore) -> None:
    store.set_retention("a", Retention(keep_last=1))
    assert list(store.retire("a")) == [1, 2, 3]
    with pytest.raises(VersionRetired):
        store.set_alias("a", "x", 2)
    with pytest.raises(VersionRetired):
        store.set_pin("a", 2, pinned=True)
    with pytest.raises(VersionRetired):
        store.append(_repeat(store, 2), 2, token_hex(4))
    assert store.head("a").number == 4


def test_needed_blobs_are_those_of_live_versions_and_of_merges_that_have_not_ended(store: ClockedStore) -> None:
    store.set_retention("a", Retention(keep_last=1))
    store.retire("a")
    assert set(store.needed_blobs()) == {_DIGEST, f"sha256:{4:064x}"}


def test_a_clock_that_went_back_a_day_holds_a_dead_worker_s_merge_for_one_lease_only(store: ClockedStore) -> None:
    merge = _enqueue(store)
    dead = _claim(store)
    store.set_clock(_NOON - 86_400_000)
    assert list(store.waiting_lineages()) == ["a"], "the sweep must ring"
    assert store.claim("a", _LEASE, 3) is None, "it may be alive: it gets one lease to say so"
    store.set_clock(_NOON - 86_400_000 + _LEASE)
    assert _claim(store).merge.id == merge.id
    with pytest.raises(LeaseLost):
        _commit(store, dead)


def test_a_clock_that_went_back_does_not_take_a_merge_from_a_live_worker(store: ClockedStore) -> None:
    _enqueue(store)
    alive = _claim(store)
    store.set_clock(_NOON - 86_400_000)
    assert store.claim("a", _LEASE, 3) is None
    store.set_clock(_NOON - 86_400_000 + _LEASE - 1)
    store.renew(alive, _LEASE, None)
    store.set_clock(_NOON - 86_400_000 + _LEASE + 1)
    assert store.claim("a", _LEASE, 3) is None
    assert _commit(store, alive) == 5


def test_a_clock_that_jumps_ahead_costs_time_and_never_two_versions(store: ClockedStore) -> None:
    merge = _enqueue(store)
    alive = _claim(store)
    store.set_clock(_NOON + 86_400_000)
    other = _claim(store)
    assert other.merge.id == merge.id
    with pytest.raises(LeaseLost, match="newest"):
        _commit(store, alive)
    assert _commit(store, other) == 5
    with pytest.raises(LeaseLost, match="newest"):
        _commit(store, alive)
    assert store.head("a").number == 5


def test_the_lineage_that_has_waited_longest_comes_first(store: ClockedStore) -> None:
    base = Version(lineage="b", number=0, weights=_DIGEST, size=1, created_at=now())
    store.create_lineage(Lineage(name="b", base=_DIGEST, recipe=AverageRecipe(), created_at=now()), base)
    for lineage in ("a", "a", "a", "b", "b"):
        merge = _enqueue(store)
        if lineage == "b":
            store.request_cancel(merge.id)
            store.enqueue(merge.model_copy(update={"id": new_merge_id(), "lineage": "b"}))
    served = []
    for tick in range(5):
        store.set_clock(_NOON + 1000 * (tick + 1))
        lineage = store.waiting_lineages()[0]
        claim = store.claim(lineage, _LEASE, 3)
        assert claim is not None
        store.end(claim, MergeState.FAILED, None)
        served.append(lineage)
    assert served == ["b", "a", "b", "a", "a"]
