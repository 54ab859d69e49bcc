"""Checks of a merge before it is accepted: document, checkpoint, calibration sample. A failure stores nothing."""

from collections.abc import Callable
from datetime import datetime

from registry.base_record import now
from registry.blob import Blob
from registry.calibration import LABELS, CalibrationLimits, check_calibration, check_labels
from registry.errors import CalibrationInvalid, MethodUnavailable, TooLarge
from registry.merge import Merge
from registry.recipe import NEEDS_ARCHITECTURE, Recipe, resolve_recipe
from registry.safetensors_header import DTYPE_BYTES, Header, check_checkpoint
from registry.state.merges import merge_id
from registry.task import Task
from service.auth.request_state import current_request_id
from service.auth.scoped_stores import Stores
from service.merges.schemas import MergeRequest
from service.settings import GatewaySettings
from service.uploads.stored_headers import stored_header


class MergeValidation:
    """One merge request, checked against its lineage; then headers as they arrive, then the labels."""

    def __init__(self, stores: Stores, settings: GatewaySettings, asked: MergeRequest) -> None:
        """Blocks on the stores. Raises TooLarge, InvalidRecord, LineageNotFound, MethodUnavailable."""
        self.request = asked
        _check_size(asked.task, settings.max_task_bytes)
        self.lineage = stores.lineages.get(asked.lineage)
        self.recipe: Recipe = resolve_recipe(asked.recipe, self.lineage.recipe)
        self._limits = CalibrationLimits(settings.max_calibration_samples, settings.max_classes, settings.max_prompts)
        self._base = stored_header(stores.blobs, self.lineage.base, settings)
        self._classes = 0
        if self.lineage.architecture is None and self.needs_calibration:
            raise MethodUnavailable(
                f"The lineage {self.lineage.name!r} has no architecture, so it cannot run {self.recipe.method!r}, "
                'which must run the network. Send the merge with a data-free recipe ({"method": "average"}).'
            )
        if self.lineage.architecture is None and asked.gate is not None:
            raise MethodUnavailable(
                f"The lineage {self.lineage.name!r} has no architecture, so no gate can measure accuracies. Omit the "
                "gate."
            )

    @property
    def needs_calibration(self) -> bool:
        """Whether the recipe needs labelled samples."""
        return self.recipe.method in NEEDS_ARCHITECTURE

    def check_checkpoint(self, header: Header) -> None:
        """Raises TensorMismatch."""
        check_checkpoint(header, self._base)

    def check_calibration(self, header: Header) -> None:
        """Raises CalibrationInvalid."""
        architecture = self.lineage.architecture
        if architecture is None:
            raise CalibrationInvalid(
                f"The lineage {self.lineage.name!r} has no architecture, so it uses no calibration sample. Omit it."
            )
        self._classes = check_calibration(
            header, architecture.image_size, architecture.embed_dim, self.request.task, self._limits
        )

    def check_labels(self, header: Header, read: Callable[[int, int], bytes]) -> None:
        """Raises CalibrationInvalid. `read(start, length)` reads the calibration file."""
        labels = header.tensors[LABELS]
        raw = read(header.data_offset + labels.start, labels.shape[0] * DTYPE_BYTES["I64"])
        check_labels(raw, self._classes)

    def check_complete(self, *, has_calibration: bool) -> None:
        """Raises CalibrationInvalid when the recipe needs a sample and there is none."""
        if self.needs_calibration and not has_calibration:
            raise CalibrationInvalid(
                f"The recipe {self.recipe.method!r} needs a calibration sample: send the part calibration, a "
                "safetensors file with images uint8 [N, 3, H, W] and labels int64 [N]."
            )

    def merge(self, seed: str, checkpoint: Blob, calibration: Blob | None, cancel_at: datetime | None) -> Merge:
        """The merge to queue, named after the attempt's seed."""
        return Merge(
            id=merge_id(seed),
            lineage=self.lineage.name,
            task=self.request.task,
            recipe=self.recipe,
            checkpoint=checkpoint.digest,
            calibration=calibration.digest if calibration else None,
            gate=self.request.gate or self.lineage.gate,
            labels=self.request.labels,
            request_id=current_request_id(),
            created_at=now(),
            cancel_at=cancel_at,
        )


def _check_size(task: Task, limit: int) -> None:
    """Every later version of the lineage repeats the document. Raises TooLarge."""
    size = len(task.model_dump_json().encode())
    if size > limit:
        raise TooLarge(
            f"The task's document has {size} bytes, class names and templates included; at most {limit} are allowed "
            "(ODEM_MAX_TASK_BYTES)."
        )
