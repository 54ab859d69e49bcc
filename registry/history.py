"""What a version was merged from, read back from the provenance of the versions before it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from registry.recipe import Recipe
from registry.version import Provenance, Version, VersionReference


@dataclass(frozen=True)
class Contribution:
    """A checkpoint that was merged for a task, and the utility that it had."""

    checkpoint: str
    utility: float


@dataclass(frozen=True)
class History:
    """tasks: by name, what each task of the version consists of, oldest first. recipe: of the newest merge."""

    tasks: Mapping[str, tuple[Contribution, ...]]
    recipe: Recipe | None


def read_history(version: Version, get: Callable[[VersionReference], Version]) -> History:
    """Follow a version back to the base, through rollbacks, branches and joins. get: reads a version by reference.

    Tasks of a joined version that the caller may not see are left out.
    """
    made: list[tuple[Version, Provenance]] = []
    current = version
    while True:
        if current.provenance is not None:
            made.append((current, current.provenance))
            reference = f"{current.lineage}@{current.provenance.parent}"
        elif current.origin is not None:
            reference = current.origin
        else:
            break
        current = get(VersionReference.parse(reference))
    tasks: dict[str, tuple[Contribution, ...]] = {}
    for step, provenance in reversed(made):
        if provenance.removed is not None:
            tasks.pop(provenance.removed, None)
        elif provenance.joined is not None:
            if provenance.joined:
                tasks |= read_history(get(VersionReference.parse(provenance.joined)), get).tasks
        elif step.tasks and not provenance.recomputed:
            task = step.tasks[-1]
            tasks[task.name] = (*tasks.get(task.name, ()), Contribution(provenance.checkpoint, task.utility))
    return History(tasks, made[0][1].recipe if made else None)
