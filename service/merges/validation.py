"""What is checked before something is accepted. Whatever fails here leaves nothing behind."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from registry.base_record import now
from registry.blob import Blob
from registry.calibration import LABELS, CalibrationLimits, check_calibration, check_labels
from registry.errors import ArchitectureMismatch, CalibrationInvalid, InvalidRecord, MethodUnavailable, NotSafetensors
from registry.lineage import Lineage, LineageSpec
from registry.merge import Merge
from registry.recipe import NEEDS_ARCHITECTURE, Recipe, describe, resolve_recipe
from registry.safetensors_header import DTYPE_BYTES, Header, HeaderReader, check_checkpoint
from registry.state.merges import merge_id
from registry.version import Version
from service.auth.rate_limits import Limits, reserve_merge_quota
from service.auth.request_state import current_request_id
from service.pipeline.context import Context
from service.schemas import MergeRequest


def read_header(path: Path, max_header_bytes: int, max_tensors: int) -> Header:
    """The header of a stored file. Raises NotSafetensors, TooLarge."""
    reader = HeaderReader(max_header_bytes, max_tensors)
    with path.open("rb") as file:
        while reader.header is None and (data := file.read(1 << 20)):
            reader.feed(data)
    header = reader.finish()
    if header.size != path.stat().st_size:
        raise NotSafetensors(f"The file has {path.stat().st_size} bytes, but its header describes {header.size}.")
    return header


_NO_GATE = (
    "A gate judges accuracies, so it needs a lineage that can evaluate: one with an architecture. Leave the gate out."
)

_cached_header = lru_cache(maxsize=32)(read_header)
"""A blob never changes under its path, so its header need be read only once."""


def blob_header(context: Context, digest: str) -> Header:
    """The header of a stored blob. Raises BlobNotFound, NotSafetensors."""
    settings = context.settings
    return _cached_header(context.blobs.path(digest), settings.max_header_bytes, settings.max_tensors)


def create_lineage(context: Context, spec: LineageSpec) -> Lineage:
    """Check a lineage's base against its architecture and store both with version 0.

    Raises NotAllowed, BlobNotFound, NotSafetensors, ArchitectureMismatch, MethodUnavailable, LineageExists.
    """
    context.caller.may_create(spec.name)
    header = blob_header(context, spec.base)
    if spec.architecture is None:
        if spec.gate is not None:
            raise MethodUnavailable(_NO_GATE)
        if spec.recipe.method in NEEDS_ARCHITECTURE:
            raise MethodUnavailable(
                f"The recipe {spec.recipe.method!r} must run the network, but the lineage has no architecture. "
                "Give one "
                '({"open_clip": "ViT-B-32"}) or a data-free recipe ({"method": "average"}).'
            )
    else:
        check_base(spec, header)
    lineage = Lineage(
        **(dict(spec) | {"architecture": spec.architecture and spec.architecture.resolved()}), created_at=now()
    )
    base = Version(
        lineage=spec.name,
        number=0,
        weights=spec.base,
        size=context.blobs.touch(spec.base).size,
        created_at=lineage.created_at,
    )
    return context.state.create_lineage(lineage, base)


def check_base(spec: LineageSpec, header: Header) -> None:
    """Raises ArchitectureMismatch unless the base's tensors are those of the architecture."""
    assert spec.architecture is not None  # noqa: S101  the caller has looked
    if all(name.startswith("visual.") for name in header.tensors):
        raise ArchitectureMismatch(
            "The base has only a visual tower. A lineage's base is the full open_clip state dict, because the "
            "zero-shot heads come from its text tower."
        )
    spec.architecture.check_weights(header.shapes)


class MergeAdmission:
    """One merge on its way in: its document first, then headers as they arrive, then the labels."""

    def __init__(self, context: Context, document: bytes) -> None:
        """Read and check the JSON document. Raises InvalidRecord, LineageNotFound, MethodUnavailable."""
        try:
            self.request = MergeRequest.model_validate_json(document)
        except ValidationError as error:
            raise InvalidRecord(f"The merge document is not valid: {describe(error)}") from error
        self._context = context
        self.lineage = context.state.get_lineage(self.request.lineage)
        self.recipe: Recipe = resolve_recipe(self.request.recipe, self.lineage.recipe)
        self.gate = self.request.gate or self.lineage.gate
        self._base = blob_header(context, self.lineage.base)
        self._classes = 0
        if self.needs_calibration and self.lineage.architecture is None:
            raise MethodUnavailable(
                f"The lineage {self.lineage.name!r} has no architecture, so it cannot run "
                f"{self.recipe.method!r}, which must run the network. "
                'Send the merge with a data-free recipe ({"method": "average"}).'
            )
        if self.request.gate is not None and self.lineage.architecture is None:
            raise MethodUnavailable(_NO_GATE)

    @property
    def needs_calibration(self) -> bool:
        """Whether the recipe needs labelled images."""
        return self.recipe.method in NEEDS_ARCHITECTURE

    def check_checkpoint(self, header: Header) -> None:
        """Raises TensorMismatch."""
        check_checkpoint(header, self._base)

    def check_calibration(self, header: Header) -> None:
        """Raises CalibrationInvalid."""
        architecture = self.lineage.architecture
        if architecture is None:
            raise CalibrationInvalid(
                "The lineage has no architecture, so a calibration sample is of no use. Leave it out."
            )
        settings = self._context.settings
        limits = CalibrationLimits(settings.max_calibration_samples, settings.max_classes, settings.max_prompts)
        self._classes = check_calibration(
            header, architecture.image_size, architecture.embed_dim, self.request.task, limits
        )

    def check_labels(self, header: Header, read: Callable[[int, int], bytes]) -> None:
        """Raises CalibrationInvalid. `read(start, length)` reads the calibration file."""
        labels = header.tensors[LABELS]
        raw = read(header.data_offset + labels.start, labels.shape[0] * DTYPE_BYTES["I64"])
        check_labels(raw, self._classes)

    def check_complete(self, *, has_calibration: bool) -> None:
        """Raises CalibrationInvalid when the recipe needs a sample that was not sent."""
        if self.needs_calibration and not has_calibration:
            raise CalibrationInvalid(
                f"The recipe {self.recipe.method!r} needs a calibration sample: send the part calibration, a "
                "safetensors file with images uint8 [N, 3, H, W] and labels int64 [N]."
            )

    def accept(self, checkpoint: Blob, calibration: Blob | None) -> Merge:
        """Store the merge, then ring for a worker. Returns the merge as it is queued."""
        self.check_complete(has_calibration=calibration is not None)
        merge = Merge(
            id=merge_id(self._context.attempt.seed),
            lineage=self.lineage.name,
            task=self.request.task,
            recipe=self.recipe,
            checkpoint=checkpoint.digest,
            calibration=calibration.digest if calibration else None,
            gate=self.gate,
            labels=self.request.labels,
            request_id=current_request_id(),
            created_at=now(),
            cancel_at=self._context.cancel_at,
        )
        key = self._context.caller.key
        if key is not None:
            limits = Limits.of(key, self._context.settings)
            reserve_merge_quota(self._context.access, key, limits.queued_merges, merge.lineage, merge.id)
        stored = self._context.state.enqueue(merge)
        self._context.ring(self.lineage.name)
        return stored
