"""Method state: reads a version's record and mapped files into the planner's input."""

from registry.blobs.store import BlobStore
from registry.version import Version
from worker.planning_states import HeadState
from worker.safetensors_reader import MappedFile

_UNCHANGED_AT: dict[str, str] = {"linear": "alpha", "task_arithmetic": "scaling"}
"""Method -> the field that takes a first checkpoint unchanged if it is 1."""


def head_state(version: Version, blobs: BlobStore) -> HeadState:
    """The state that a version was stored with; its parts are mapped files."""
    state = version.state

    def parts() -> dict[str, MappedFile]:
        return {part: MappedFile(blobs.path(digest)) for part, digest in state.parts.items()} if state else {}

    made_by = version.provenance.recipe.method if version.provenance is not None else "something else"
    return HeadState(
        tasks=len(version.tasks),
        single_checkpoint=is_single_checkpoint(version),
        family=state.family if state is not None else None,
        parts=parts,
        scalars=state.scalars if state is not None else {},
        description=f"{version.reference}, made by {made_by!r} from {len(version.tasks)} tasks,",
    )


def is_single_checkpoint(version: Version) -> bool:
    """Whether the merged tensors of a version are those of the lineage's first checkpoint, unchanged."""
    made = version.provenance
    if made is None or made.parent != 0 or len(version.tasks) != 1:
        return False
    method = made.recipe.method
    if method in {"ode", "average", "slerp"}:
        return bool((version.report or {}).get("operating_time") == 1.0)
    if version.state is not None and "base_utility" in version.state.scalars:  # sums over tasks
        return version.state.scalars["base_utility"] == 0.0
    return method == "opcm" or (method in _UNCHANGED_AT and getattr(made.recipe, _UNCHANGED_AT[method]) == 1.0)
