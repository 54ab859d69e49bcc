"""Join of two lineages of one base: a merge that adds the state of another lineage's version to that of head."""

from registry.base_record import now
from registry.errors import MethodUnavailable, VersionRetired
from registry.history import read_history
from registry.join import require_joinable
from registry.merge import Merge
from registry.recipe import TAKES_TASKS_OUT
from registry.version import VersionReference
from service.auth.request_state import current_request_id
from service.merges.queueing import MergeQueue


def queue_join(queue: MergeQueue, name: str, other: str, word: str) -> Merge:
    """Check the join with a version of another lineage and queue it as a merge. Blocks on the stores.

    word: a number, `latest` or an alias of the other lineage. Raises LineageNotFound, VersionNotFound, VersionRetired,
    LineagesIncompatible, MethodUnavailable, BlobNotFound, QuotaExceeded.
    """
    stores = queue.stores
    lineage, head = stores.lineages.get(name), stores.versions.head(name)
    joined = stores.lineages.get(other)
    version = stores.versions.get(VersionReference.parse(f"{other}@{word}"))
    if version.retired_at is not None:
        raise VersionRetired(version.reference)
    require_joinable(lineage, head, joined, version)
    recipe = read_history(head, stores.versions.get).recipe or lineage.recipe
    if recipe.method not in TAKES_TASKS_OUT or version.state is None:
        raise MethodUnavailable(
            f"{head.reference}, merged by {recipe.method!r}, and {version.reference} cannot be joined: both need a "
            f"state that is sums. Methods with one: {', '.join(sorted(TAKES_TASKS_OUT))}."
        )
    for digest in version.blobs:
        stores.blobs.touch(digest)
    return queue.add(
        Merge(
            id=queue.merge_id,
            lineage=name,
            task=version.tasks[-1],
            recipe=recipe,
            checkpoint=version.weights,
            joined=version.reference,
            request_id=current_request_id(),
            created_at=now(),
        )
    )
