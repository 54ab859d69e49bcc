"""What every state store must do with aliases, pins, rollback, retention; and when the clock jumps."""

from collections.abc import Iterator
from secrets import token_hex

import pytest

from benchmarks.harness.state_reader import LedgerReader
from registry.base_record import now
from registry.errors import AliasChanged, AliasNotFound, LeaseLost, VersionNotFound, VersionRetired
from registry.lineage import Lineage
from registry.merge import Claim, Merge, MergeState
from registry.recipe import AverageRecipe
from registry.retention import Retention
from registry.state.merges import new_merge_id
from registry.state.state_store import StateStore
from registry.task import Task
from registry.version import Version, VersionReference
from standalone.valkey import EmbeddedValkey
from tests.conformance.servers import ClockedClient

_DIGEST = "sha256:" + "0" * 64
_LEASE = 10_000
_NOON = 1_700_000_000_000


@pytest.fixture
def client(server: EmbeddedValkey) -> Iterator[ClockedClient]:
    client = ClockedClient(server.url)
    yield client
    client.close()


@pytest.fixture
def reader(server: EmbeddedValkey) -> Iterator[LedgerReader]:
    with LedgerReader(server.url) as reader:
        yield reader


@pytest.fixture
def store(client: ClockedClient) -> StateStore:
    """Return a store with the lineage `a` of five versions."""
    store = StateStore(client)
    client.set_clock(_NOON)
    base = Version(lineage="a", number=0, weights=_DIGEST, size=1, created_at=now())
    store.lineages.create(Lineage(name="a", base=_DIGEST, recipe=AverageRecipe(), created_at=now()), base)
    for _ in range(4):
        _enqueue(store)
        _commit(store, _claim(store))
    return store


def _enqueue(store: StateStore) -> Merge:
    merge = Merge(
        id=new_merge_id(),
        lineage="a",
        task=Task(name="t"),
        recipe=AverageRecipe(),
        checkpoint=_DIGEST,
        created_at=now(),
    )
    return store.merges.enqueue(merge)


def _claim(store: StateStore) -> Claim:
    claim = store.claims.claim("a", _LEASE, 3)
    assert claim is not None
    return claim


def _next(store: StateStore) -> Version:
    number = store.versions.head("a").number + 1
    return Version(lineage="a", number=number, weights=f"sha256:{number:064x}", size=1, created_at=now())


def _commit(store: StateStore, claim: Claim) -> int:
    return store.claims.commit(claim, _next(store))


def _repeat(store: StateStore, number: int) -> Version:
    source = store.versions.get(VersionReference(lineage="a", version=str(number)))
    return source.model_copy(update={"number": store.versions.head("a").number + 1, "origin": source.reference})


def test_an_alias_names_a_version_until_it_is_moved(store: StateStore) -> None:
    store.aliases.set("a", "production", 2)
    assert store.versions.get(VersionReference.parse("a@production")).number == 2
    store.aliases.set("a", "production", 3)
    assert store.versions.get(VersionReference.parse("a@production")).number == 3
    store.aliases.delete("a", "production")
    with pytest.raises(VersionNotFound):
        store.versions.get(VersionReference.parse("a@production"))
    with pytest.raises(AliasNotFound):
        store.aliases.delete("a", "production")


def test_an_alias_is_changed_only_from_the_state_that_was_seen(store: StateStore) -> None:
    first = store.aliases.set("a", "x", 1, "-")
    with pytest.raises(AliasChanged):
        store.aliases.set("a", "x", 2, "-")
    second = store.aliases.set("a", "x", 2, str(first.revision))
    for stale in (str(first.revision), "7654321"):
        with pytest.raises(AliasChanged):
            store.aliases.set("a", "x", 3, stale)
        with pytest.raises(AliasChanged):
            store.aliases.delete("a", "x", stale)
    assert store.aliases.get("a", "x") == second
    store.aliases.delete("a", "x", str(second.revision))
    with pytest.raises(AliasChanged):
        store.aliases.set("a", "x", 1, "*")
    again = store.aliases.set("a", "x", 2, "-")
    assert again.revision > second.revision, "an alias that was made anew must have another ETag"


def test_an_alias_of_no_version_is_refused(store: StateStore) -> None:
    with pytest.raises(VersionNotFound):
        store.aliases.set("a", "x", 5)
    assert list(store.aliases.list("a")) == []


def test_a_rollback_is_a_new_version_with_the_old_weights(store: StateStore) -> None:
    old = store.versions.get(VersionReference.parse("a@2"))
    assert store.versions.append(_repeat(store, 2), 2, token_hex(4))
    head = store.versions.head("a")
    assert (head.number, head.weights, head.origin) == (5, old.weights, "a@2")
    assert store.versions.get(VersionReference.parse("a@2")) == old


def test_a_rollback_from_an_old_head_is_not_stored(store: StateStore) -> None:
    late = _repeat(store, 1)
    assert store.versions.append(_repeat(store, 2), 2, token_hex(4))
    assert store.versions.append(late, 1, token_hex(4)) is None
    assert store.versions.head("a").origin == "a@2"


def test_a_repeated_rollback_makes_no_second_version(store: StateStore) -> None:
    assert store.versions.append(_repeat(store, 2), 2, "seed") == 5
    assert store.versions.append(_repeat(store, 2), 2, "other") == 6
    assert store.versions.append(_repeat(store, 2), 2, "seed") == 5
    assert store.versions.head("a").number == 6


def test_a_merge_that_a_rollback_overtakes_starts_again_from_the_new_head(store: StateStore) -> None:
    merge = _enqueue(store)
    claim = _claim(store)
    version = _next(store)
    assert store.versions.append(_repeat(store, 1), 1, token_hex(4))
    with pytest.raises(LeaseLost, match="head has moved"):
        store.claims.commit(claim, version)
    waiting = store.merges.get(merge.id)
    assert (waiting.state, waiting.attempt) == (MergeState.QUEUED, 0)
    assert list(store.claims.waiting_lineages()) == ["a"]
    again = _claim(store)
    assert again.merge.id == merge.id
    assert _commit(store, again) == 6


def test_retention_retires_all_but_the_last_the_aliased_the_pinned_and_the_base(
    store: StateStore, reader: LedgerReader
) -> None:
    assert list(store.retention.retire("a")) == [], "no rule keeps everything"
    store.aliases.set("a", "production", 1)
    store.retention.set_pin("a", 2, pinned=True)
    store.retention.set("a", Retention(keep_last=1))
    assert list(store.retention.retire("a", preview=True)) == [3]
    assert all(version.retired_at is None for version in reader.versions("a"))
    assert list(store.retention.retire("a")) == [3]
    assert [version.number for version in reader.versions("a") if version.retired_at] == [3]
    assert list(store.retention.retire("a")) == [], "what was retired is not retired again"
    store.retention.set_pin("a", 2, pinned=False)
    assert list(store.retention.retire("a")) == [2]


def test_a_retired_version_cannot_be_brought_back_by_a_name(store: StateStore) -> None:
    store.retention.set("a", Retention(keep_last=1))
    assert list(store.retention.retire("a")) == [1, 2, 3]
    with pytest.raises(VersionRetired):
        store.aliases.set("a", "x", 2)
    with pytest.raises(VersionRetired):
        store.retention.set_pin("a", 2, pinned=True)
    with pytest.raises(VersionRetired):
        store.versions.append(_repeat(store, 2), 2, token_hex(4))
    assert store.versions.head("a").number == 4


def test_needed_blobs_are_those_of_live_versions_and_of_merges_that_have_not_ended(store: StateStore) -> None:
    store.retention.set("a", Retention(keep_last=1))
    store.retention.retire("a")
    assert set(store.manifests.needed_blobs()) == {_DIGEST, f"sha256:{4:064x}"}


def test_a_clock_that_went_back_a_day_holds_a_dead_worker_s_merge_for_one_lease_only(
    store: StateStore, client: ClockedClient
) -> None:
    merge = _enqueue(store)
    dead = _claim(store)
    client.set_clock(_NOON - 86_400_000)
    assert list(store.claims.waiting_lineages()) == ["a"], "the sweep must ring"
    assert store.claims.claim("a", _LEASE, 3) is None, "it may be alive: it gets one lease to say so"
    client.set_clock(_NOON - 86_400_000 + _LEASE)
    assert _claim(store).merge.id == merge.id
    with pytest.raises(LeaseLost):
        _commit(store, dead)


def test_a_clock_that_went_back_does_not_take_a_merge_from_a_live_worker(
    store: StateStore, client: ClockedClient
) -> None:
    _enqueue(store)
    alive = _claim(store)
    client.set_clock(_NOON - 86_400_000)
    assert store.claims.claim("a", _LEASE, 3) is None
    client.set_clock(_NOON - 86_400_000 + _LEASE - 1)
    store.claims.renew(alive, _LEASE, None)
    client.set_clock(_NOON - 86_400_000 + _LEASE + 1)
    assert store.claims.claim("a", _LEASE, 3) is None
    assert _commit(store, alive) == 5


def test_a_clock_that_jumps_ahead_costs_time_and_never_two_versions(store: StateStore, client: ClockedClient) -> None:
    merge = _enqueue(store)
    alive = _claim(store)
    client.set_clock(_NOON + 86_400_000)
    other = _claim(store)
    assert other.merge.id == merge.id
    with pytest.raises(LeaseLost, match="newest"):
        _commit(store, alive)
    assert _commit(store, other) == 5
    with pytest.raises(LeaseLost, match="newest"):
        _commit(store, alive)
    assert store.versions.head("a").number == 5


def test_the_lineage_that_has_waited_longest_comes_first(store: StateStore, client: ClockedClient) -> None:
    base = Version(lineage="b", number=0, weights=_DIGEST, size=1, created_at=now())
    store.lineages.create(Lineage(name="b", base=_DIGEST, recipe=AverageRecipe(), created_at=now()), base)
    for lineage in ("a", "a", "a", "b", "b"):
        merge = _enqueue(store)
        if lineage == "b":
            store.merges.request_cancel(merge.id)
            store.merges.enqueue(merge.model_copy(update={"id": new_merge_id(), "lineage": "b"}))
    served = []
    for tick in range(5):
        client.set_clock(_NOON + 1000 * (tick + 1))
        lineage = store.claims.waiting_lineages()[0]
        claim = store.claims.claim(lineage, _LEASE, 3)
        assert claim is not None
        store.claims.end(claim, MergeState.FAILED, None)
        served.append(lineage)
    assert served == ["b", "a", "b", "a", "a"]
