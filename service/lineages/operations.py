"""Aliases, rollback, branch and retention of a lineage. All functions block on the stores."""

from pydantic import TypeAdapter, ValidationError

from registry.alias import Alias, AliasName
from registry.base_record import now
from registry.errors import InvalidRecord, VersionNotFound, VersionRetired
from registry.lineage import Lineage
from registry.state.manifest_queries import digests_of
from registry.version import Version, VersionReference
from service.auth.scoped_stores import Stores
from service.lineages.schemas import BranchRequest, RetentionView

_ALIAS_NAME: TypeAdapter[str] = TypeAdapter(AliasName)


def _find(stores: Stores, lineage: str, word: str) -> Version:
    """What a number, `latest` or an alias names in this lineage. Raises VersionNotFound, LineageNotFound."""
    stores.lineages.get(lineage)
    reference = VersionReference.parse(word if "@" in word else f"{lineage}@{word}")
    if reference.lineage != lineage:
        raise VersionNotFound(word)
    return stores.versions.get(reference)


def move_alias(stores: Stores, lineage: str, alias: str, word: str, condition: str) -> Alias:
    """Make an alias name a version. Raises InvalidRecord, AliasChanged, VersionNotFound, VersionRetired."""
    try:
        _ALIAS_NAME.validate_python(alias)
    except ValidationError as error:
        raise InvalidRecord(
            f"{alias[:80]!r} cannot be an alias: lower-case letters, digits, '.', '_', '-', at most 64; not 'latest' "
            "and not a number."
        ) from error
    return stores.aliases.set(lineage, alias, _find(stores, lineage, word).number, condition)


def roll_back(stores: Stores, lineage: str, word: str, seed: str) -> Version:
    """Append a version that repeats an older one, once per seed.

    Raises VersionNotFound, VersionRetired, LineageNotFound.
    """
    source = _find(stores, lineage, word)
    while True:
        head = stores.versions.head(lineage)
        made = _repeat(source, lineage, head.number + 1)
        # A merge that was committed meanwhile moved head; what was asked for still holds on top of it.
        number = stores.versions.append(made, source.number, seed)
        if number is not None:
            return stores.versions.get(VersionReference(lineage=lineage, version=str(number)))


def branch(stores: Stores, lineage: str, asked: BranchRequest) -> Lineage:
    """Create a lineage from a version.

    Raises NotAllowed, VersionNotFound, VersionRetired, LineageNotFound, LineageExists.
    """
    stores.caller.may_create(asked.name)
    source = _find(stores, lineage, asked.version)
    if source.retired_at is not None:
        raise VersionRetired(source.reference)
    # Young again: a retirement that comes between here and the new lineage's record must not free them.
    for digest in digests_of(source.model_dump(mode="json")):
        stores.blobs.touch(digest)
    first = _repeat(source, asked.name, 0)
    made = stores.lineages.get(lineage).model_copy(
        update={"name": asked.name, "origin": source.reference, "created_at": first.created_at}
    )
    return stores.lineages.create(made, first)


def _repeat(source: Version, lineage: str, number: int) -> Version:
    return source.model_copy(
        update={
            "lineage": lineage,
            "number": number,
            "origin": source.reference,
            "provenance": None,
            "created_at": now(),
            "retired_at": None,
        }
    )


def retention(stores: Stores, lineage: str) -> RetentionView:
    """A lineage's rule and what it would do now. Raises LineageNotFound."""
    rule = stores.retention.get(lineage)
    return RetentionView(
        keep_last=rule.keep_last if rule else None,
        pins=list(stores.retention.list_pins(lineage)),
        would_retire=list(stores.retention.retire(lineage, preview=True)),
    )
