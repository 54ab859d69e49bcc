"""Creation of a lineage: checks of its base and its architecture."""

from registry.base_record import now
from registry.errors import ArchitectureMismatch, MethodUnavailable
from registry.lineage import Lineage, LineageSpec
from registry.recipe import NEEDS_ARCHITECTURE
from registry.safetensors_header import Header
from registry.version import Version
from service.auth.scoped_stores import Stores
from service.settings import GatewaySettings
from service.uploads.stored_headers import stored_header


def create_lineage(stores: Stores, settings: GatewaySettings, spec: LineageSpec) -> Lineage:
    """Check a lineage's base against its architecture and store the lineage with version 0. Blocks on the stores.

    Raises NotAllowed, BlobNotFound, NotSafetensors, ArchitectureMismatch, MethodUnavailable, LineageExists.
    """
    stores.caller.may_create(spec.name)
    header = stored_header(stores.blobs, spec.base, settings)
    if spec.architecture is None:
        _check_without_architecture(spec)
    else:
        check_base(spec, header)
    architecture = spec.architecture and spec.architecture.resolved()
    lineage = Lineage(**(dict(spec) | {"architecture": architecture}), created_at=now())
    base = Version(
        lineage=spec.name,
        number=0,
        weights=spec.base,
        size=stores.blobs.touch(spec.base).size,
        created_at=lineage.created_at,
    )
    return stores.lineages.create(lineage, base)


def check_base(spec: LineageSpec, header: Header) -> None:
    """Raises ArchitectureMismatch unless the base's tensors are those of the architecture."""
    assert spec.architecture is not None  # noqa: S101  checked by the caller
    if all(name.startswith("visual.") for name in header.tensors):
        raise ArchitectureMismatch(
            "The base has only a visual tower. Send the full open_clip state dict: the zero-shot heads come from its "
            "text tower."
        )
    spec.architecture.check_weights(header.shapes)


def _check_without_architecture(spec: LineageSpec) -> None:
    if spec.gate is not None:
        raise MethodUnavailable("A gate measures accuracies, so the lineage needs an architecture. Omit the gate.")
    if spec.recipe.method in NEEDS_ARCHITECTURE:
        raise MethodUnavailable(
            f"The recipe {spec.recipe.method!r} must run the network, but the lineage has no architecture. Give one "
            '({"open_clip": "ViT-B-32"}) or a data-free recipe ({"method": "average"}).'
        )
