"""Removal of a task from a lineage: a merge that takes the task's checkpoints out of the sums of head."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from registry.base_record import now
from registry.errors import CheckpointDiffers, MethodUnavailable, TaskNotFound
from registry.history import read_history
from registry.merge import Merge
from registry.recipe import TAKES_TASKS_OUT
from registry.state.merges import merge_id
from service.auth.rate_limits import MergeQuota
from service.auth.request_state import current_request_id
from service.auth.scoped_stores import Stores
from service.merges.notify import WorkerNotifier
from service.pipeline.dependencies import scoped_stores, services_of
from service.pipeline.idempotency import attempt_of
from service.settings import GatewaySettings


@dataclass(frozen=True)
class TaskRemoval:
    """Queues the removals of one request."""

    stores: Stores
    seed: str
    quota: MergeQuota
    notifier: WorkerNotifier
    max_queued_merges: int

    def queue(self, lineage: str, name: str, checkpoint: str | None) -> Merge:
        """Check the removal, store it as a merge, then notify a worker. Returns the queued merge.

        checkpoint: digest that the task's checkpoint must have, if given. Raises LineageNotFound, TaskNotFound,
        MethodUnavailable, CheckpointDiffers, BlobNotFound, QuotaExceeded.
        """
        head = self.stores.versions.head(lineage)
        task = next((task for task in head.tasks if task.name == name), None)
        if task is None:
            raise TaskNotFound(lineage, name)
        history = read_history(head, self.stores.versions.get)
        merged = [part.checkpoint for part in history.tasks.get(name, ())]
        if history.recipe is None or history.recipe.method not in TAKES_TASKS_OUT or not merged:
            method = history.recipe.method if history.recipe is not None else "nothing"
            raise MethodUnavailable(
                f"{head.reference} was made by {method!r}, which cannot take a task out of it exactly. Methods that "
                f"can: {', '.join(sorted(TAKES_TASKS_OUT))}."
            )
        if checkpoint is not None and checkpoint not in merged:
            raise CheckpointDiffers(name, checkpoint, tuple(merged))
        for digest in merged:
            self.stores.blobs.touch(digest)
        removal = Merge(
            id=merge_id(self.seed),
            lineage=lineage,
            task=task,
            recipe=history.recipe,
            checkpoint=merged[-1],
            removal=True,
            request_id=current_request_id(),
            created_at=now(),
        )
        self.quota.reserve(self.stores.caller, lineage, removal.id)
        queued = self.stores.merges.enqueue(removal, self.max_queued_merges)
        self.notifier.notify(lineage)
        return queued


async def _task_removal(request: Request) -> TaskRemoval:
    services = services_of(request)
    return TaskRemoval(
        stores=await scoped_stores(request),
        seed=attempt_of(request.scope).seed,
        quota=services.get(MergeQuota),
        notifier=services.get(WorkerNotifier),
        max_queued_merges=services.get(GatewaySettings).max_queued_merges,
    )


Removal = Annotated[TaskRemoval, Depends(_task_removal)]
