"""What a key that is limited to some lineages sees of others."""

import pytest

from registry.api_key import ApiKey, Scope
from registry.base_record import now
from registry.recipe import AswudiRecipe
from registry.version import Provenance, Version
from service.auth.scoped_stores import KeyScope

_DIGEST = f"sha256:{'1' * 64}"


@pytest.mark.parametrize(("lineages", "joined"), [(("mine",), ""), (("mine", "others"), "others@2")])
def test_a_joined_lineage_is_named_only_to_keys_that_see_it(lineages: tuple[str, ...], joined: str) -> None:
    key = ApiKey(id="k", name="k", scope=Scope.READ, lineages=lineages, hash="0", created_at=now())
    provenance = Provenance(
        parent=0,
        merge="mrg_0",
        checkpoint=_DIGEST,
        joined="others@2",
        recipe=AswudiRecipe(),
        code="0",
        libraries={},
        device="cpu",
    )
    version = Version(lineage="mine", number=1, weights=_DIGEST, size=1, provenance=provenance, created_at=now())
    redacted = KeyScope(key, lambda: None).redact(version)
    assert redacted.provenance is not None
    assert redacted.provenance.joined == joined
