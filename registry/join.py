"""Whether two lineages can be joined."""

from registry.errors import LineagesIncompatible
from registry.lineage import Lineage
from registry.version import Version


def require_joinable(lineage: Lineage, head: Version, other: Lineage, version: Version) -> None:
    """Raise LineagesIncompatible unless `version` of the lineage `other` can be joined to the lineage's head."""
    if lineage.base != other.base:
        why = "they have different bases"
    elif lineage.architecture != other.architecture:
        why = "they have different architectures"
    elif not version.tasks:
        why = f"{version.reference} has no tasks"
    elif common := sorted({task.name for task in head.tasks} & {task.name for task in version.tasks}):
        why = f"both have {', '.join(common)}"
    else:
        return
    raise LineagesIncompatible(head.reference, version.reference, why)
