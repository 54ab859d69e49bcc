"""Request documents from arguments, and responses checked for their type."""

from collections.abc import Mapping
from typing import Any, TypeVar

from odem_client.errors import OdemError
from odem_client.generated.models import Task

T = TypeVar("T")
Document = Mapping[str, Any]


def merge_request(
    checkpoint: str,
    calibration: str | None,
    *,
    task: str | Document | Task,
    lineage: str,
    recipe: str | Document | None,
    gate: Document | None,
    labels: Mapping[str, str] | None,
) -> dict[str, Any]:
    """The document of POST /merge for uploaded blobs. A name may replace the document of a task or recipe.

    Unknown fields are kept: the generated classes would drop them, and the service could not report a misspelling.
    """
    if isinstance(task, Task):
        task = task.to_dict()
    document: dict[str, Any] = {
        "lineage": lineage,
        "task": {"name": task} if isinstance(task, str) else dict(task),
        "checkpoint": checkpoint,
    }
    if calibration is not None:
        document["calibration"] = calibration
    if recipe is not None:
        document["recipe"] = {"method": recipe} if isinstance(recipe, str) else dict(recipe)
    if gate is not None:
        document["gate"] = dict(gate)
    if labels:
        document["labels"] = dict(labels)
    return document


def lineage_spec(name: str, base: str, architecture: str | Document | None, more: Document) -> dict[str, Any]:
    """The document of POST /lineages. A string as architecture means `{"open_clip": name}`."""
    document: dict[str, Any] = {"name": name, "base": base, **more}
    if architecture is not None:
        document["architecture"] = {"open_clip": architecture} if isinstance(architecture, str) else dict(architecture)
    return document


def is_digest(blob: object) -> bool:
    """Whether the argument is a digest; otherwise it is a file."""
    return isinstance(blob, str) and blob.startswith("sha256:")


def only(kind: type[T], response: object) -> T:
    """The response, checked for its type. Raises OdemError for another type; refusals have been raised before."""
    if not isinstance(response, kind):
        raise OdemError(f"The response is not a {kind.__name__}. Do service and client have the same version?")
    return response
