"""What callers say, as the documents that the service takes; and its answers, as the one kind that is expected."""

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
    """The document of POST /merge for blobs that are there. A task's or a method's name stands for a whole document.

    It is sent as it was said: the generated classes would leave out what they do not know, and the service could not
    say that it is misspelt.
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
    """The document of POST /lineages. An architecture's name stands for `{"open_clip": name}`."""
    document: dict[str, Any] = {"name": name, "base": base, **more}
    if architecture is not None:
        document["architecture"] = {"open_clip": architecture} if isinstance(architecture, str) else dict(architecture)
    return document


def is_digest(blob: object) -> bool:
    """Whether it names bytes that the service has; otherwise it is a file."""
    return isinstance(blob, str) and blob.startswith("sha256:")


def only(kind: type[T], answer: object) -> T:
    """The answer, which is of this kind: refusals have been raised before. Raises OdemError."""
    if not isinstance(answer, kind):
        raise OdemError(f"The service's answer is no {kind.__name__}: is it an odem of this version?")
    return answer
