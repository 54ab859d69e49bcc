"""Merges without an uploaded checkpoint, as a request queues them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from registry.merge import Merge
from registry.state.merges import merge_id
from service.auth.rate_limits import MergeQuota
from service.auth.scoped_stores import Stores
from service.merges.notify import WorkerNotifier
from service.pipeline.dependencies import scoped_stores, services_of
from service.pipeline.idempotency import attempt_of
from service.settings import GatewaySettings


@dataclass(frozen=True)
class MergeQueue:
    """Queues the merge of one request. seed: of the request's attempt, from which the merge's ID is made."""

    stores: Stores
    seed: str
    quota: MergeQuota
    notifier: WorkerNotifier
    max_queued_merges: int

    @property
    def merge_id(self) -> str:
        """ID of the merge to queue."""
        return merge_id(self.seed)

    def add(self, merge: Merge) -> Merge:
        """Reserve the quota, store the merge, then notify a worker. Returns the queued merge. Raises QuotaExceeded."""
        self.quota.reserve(self.stores.caller, merge.lineage, merge.id)
        queued = self.stores.merges.enqueue(merge, self.max_queued_merges)
        self.notifier.notify(merge.lineage)
        return queued


async def _merge_queue(request: Request) -> MergeQueue:
    services = services_of(request)
    return MergeQueue(
        stores=await scoped_stores(request),
        seed=attempt_of(request.scope).seed,
        quota=services.get(MergeQuota),
        notifier=services.get(WorkerNotifier),
        max_queued_merges=services.get(GatewaySettings).max_queued_merges,
    )


Queue = Annotated[MergeQueue, Depends(_merge_queue)]
