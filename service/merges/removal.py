"""Removal of a task from a lineage: a merge that takes the task's checkpoints out of the sums of head."""

from registry.base_record import now
from registry.errors import CheckpointDiffers, MethodUnavailable, TaskNotFound
from registry.history import read_history
from registry.merge import Merge
from registry.recipe import TAKES_TASKS_OUT
from service.auth.request_state import current_request_id
from service.merges.queueing import MergeQueue


def queue_removal(queue: MergeQueue, lineage: str, name: str, checkpoint: str | None) -> Merge:
    """Check the removal of a task and queue it as a merge. Blocks on the stores.

    checkpoint: digest that the task's checkpoint must have, if given. Raises LineageNotFound, TaskNotFound,
    MethodUnavailable, CheckpointDiffers, BlobNotFound, QuotaExceeded.
    """
    stores = queue.stores
    head = stores.versions.head(lineage)
    task = next((task for task in head.tasks if task.name == name), None)
    if task is None:
        raise TaskNotFound(lineage, name)
    history = read_history(head, stores.versions.get)
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
        stores.blobs.touch(digest)
    return queue.add(
        Merge(
            id=queue.merge_id,
            lineage=lineage,
            task=task,
            recipe=history.recipe,
            checkpoint=merged[-1],
            removal=True,
            request_id=current_request_id(),
            created_at=now(),
        )
    )
