"""What the routes of aliases, rollback, branch and retention do."""

from pydantic import TypeAdapter, ValidationError

from registry.alias import Alias, AliasName
from registry.base_record import now
from registry.errors import InvalidRecord, VersionNotFound, VersionRetired
from registry.lineage import Lineage
from registry.state.manifest_queries import digests_of
from registry.version import Version, VersionReference
from service.pipeline.context import Context
from service.schemas import BranchRequest, RetentionView

_ALIAS_NAME: TypeAdapter[str] = TypeAdapter(AliasName)


def _find(context: Context, lineage: str, word: str) -> Version:
    """What a number, `latest` or an alias names in this lineage. Raises VersionNotFound, LineageNotFound."""
    context.state.get_lineage(lineage)
    reference = VersionReference.parse(word if "@" in word else f"{lineage}@{word}")
    if reference.lineage != lineage:
        raise VersionNotFound(word)
    return context.state.get_version(reference)


def move_alias(context: Context, lineage: str, alias: str, word: str, condition: str) -> Alias:
    """Make an alias name a version. Raises InvalidRecord, AliasChanged, VersionNotFound, VersionRetired."""
    try:
        _ALIAS_NAME.validate_python(alias)
    except ValidationError as error:
        raise InvalidRecord(
            f"{alias[:80]!r} cannot be an alias: lower-case letters, digits, '.', '_', '-', at most 64; not 'latest' "
            "and not a number."
        ) from error
    return context.state.set_alias(lineage, alias, _find(context, lineage, word).number, condition)


def roll_back(context: Context, lineage: str, word: str) -> Version:
    """Append a version that repeats an older one; once for each intent.

    Raises VersionNotFound, VersionRetired, LineageNotFound.
    """
    source = _find(context, lineage, word)
    while True:
        head = context.state.head(lineage)
        made = _repeat(source, lineage, head.number + 1)
        # A merge that was committed meanwhile moved head; what was asked for still holds on top of it.
        number = context.state.append(made, source.number, context.attempt.seed)
        if number is not None:
            return context.state.get_version(VersionReference(lineage=lineage, version=str(number)))


def branch(context: Context, lineage: str, asked: BranchRequest) -> Lineage:
    """Create a lineage from a version.

    Raises NotAllowed, VersionNotFound, VersionRetired, LineageNotFound, LineageExists.
    """
    context.caller.may_create(asked.name)
    source = _find(context, lineage, asked.version)
    if source.retired_at is not None:
        raise VersionRetired(source.reference)
    # Young again: a retirement that comes between here and the new lineage's record must not free them.
    for digest in digests_of(source.model_dump(mode="json")):
        context.blobs.touch(digest)
    first = _repeat(source, asked.name, 0)
    made = context.state.get_lineage(lineage).model_copy(
        update={"name": asked.name, "origin": source.reference, "created_at": first.created_at}
    )
    return context.state.create_lineage(made, first)


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


def retention(context: Context, lineage: str) -> RetentionView:
    """A lineage's rule and what it would do now. Raises LineageNotFound."""
    state = context.state
    rule = state.get_retention(lineage)
    return RetentionView(
        keep_last=rule.keep_last if rule else None,
        pins=list(state.list_pins(lineage)),
        would_retire=list(state.retire(lineage, preview=True)),
    )
