"""Recomputation of a lineage's head by another recipe, from its state alone."""

from typing import Any

from registry.base_record import now
from registry.errors import MethodUnavailable
from registry.merge import Merge
from registry.recipe import TAKES_TASKS_OUT, resolve_recipe
from service.auth.request_state import current_request_id
from service.merges.queueing import MergeQueue


def queue_recomputation(queue: MergeQueue, name: str, wanted: dict[str, Any]) -> Merge:
    """Check the recomputation of a lineage's head and queue it as a merge. Blocks on the stores.

    wanted: parameters that override the lineage's recipe. Raises LineageNotFound, InvalidRecord, MethodUnavailable,
    QuotaExceeded.
    """
    lineage, head = queue.stores.lineages.get(name), queue.stores.versions.head(name)
    recipe = resolve_recipe(wanted, lineage.recipe)
    if not head.tasks:
        raise MethodUnavailable(f"{head.reference} has no tasks, so there is nothing to compute. Send a merge.")
    if recipe.method not in TAKES_TASKS_OUT:
        raise MethodUnavailable(
            f"{recipe.method!r} cannot compute weights from a state alone. Methods that can: "
            f"{', '.join(sorted(TAKES_TASKS_OUT))}."
        )
    return queue.add(
        Merge(
            id=queue.merge_id,
            lineage=name,
            task=head.tasks[-1],
            recipe=recipe,
            checkpoint=head.weights,
            recompute=True,
            request_id=current_request_id(),
            created_at=now(),
        )
    )
