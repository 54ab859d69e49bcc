"""A lineage's queue has a limit that no number of clients at once passes, and a refused merge leaves nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from registry.base_record import now
from registry.errors import MergeNotFound, QuotaExceeded
from registry.lineage import Lineage
from registry.merge import Merge
from registry.recipe import AverageRecipe
from registry.state.merges import new_merge_id
from registry.state.state_store import StateStore
from registry.task import Task
from registry.version import Version
from standalone.valkey import EmbeddedValkey

_DIGEST = "sha256:" + "0" * 64
_LIMIT = 5


@pytest.fixture
def store(server: EmbeddedValkey) -> Iterator[StateStore]:
    store = StateStore.open(server.url)
    store.lineages.create(
        Lineage(name="a", base=_DIGEST, recipe=AverageRecipe(), created_at=now()),
        Version(lineage="a", number=0, weights=_DIGEST, size=1, created_at=now()),
    )
    yield store
    store.close()


def _merge() -> Merge:
    return Merge(
        id=new_merge_id(),
        lineage="a",
        task=Task(name="t"),
        recipe=AverageRecipe(),
        checkpoint=_DIGEST,
        created_at=now(),
    )


def test_as_many_merges_are_queued_at_once_as_the_limit_allows_and_the_same_id_again_is_no_new_one(
    store: StateStore,
) -> None:
    merges = [_merge() for _ in range(20)]

    def enqueue(merge: Merge) -> bool:
        try:
            store.merges.enqueue(merge, _LIMIT)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        queued = list(threads.map(enqueue, merges))
    assert sum(queued) == _LIMIT
    accepted = next(merge for merge, is_queued in zip(merges, queued, strict=True) if is_queued)
    assert store.merges.enqueue(accepted, _LIMIT).id == accepted.id
    late = _merge()
    with pytest.raises(QuotaExceeded, match="ODEM_MAX_QUEUED_MERGES"):
        store.merges.enqueue(late, _LIMIT)
    with pytest.raises(MergeNotFound):
        store.merges.get(late.id)
    store.merges.request_cancel(accepted.id)
    assert store.merges.enqueue(late, _LIMIT).id == late.id
