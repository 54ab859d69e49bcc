"""Aliases of a lineage. Their ETags make two people who move one at the same time notice each other.

Source: RFC 9110, section 13.1 (If-Match, If-None-Match).
"""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from registry.alias import Alias
from registry.errors import AliasChanged, AliasNotFound, LineageNotFound, VersionNotFound, VersionRetired
from service.http.page_params import PAGE, Cursor, Limit
from service.http.pagination import first, link_next, read_cursor, write_cursor
from service.http.problem_responses import Responses, problems
from service.http.response_headers import headers
from service.lineages.operations import move_alias
from service.pipeline.context import Ctx
from service.schemas import AliasPage, AliasTarget, AliasView

router = APIRouter(prefix="/lineages/{name}/aliases", tags=["lineages"])

IfMatch = Annotated[str | None, Header(description="The ETag that the alias must have; `*`: it must be there.")]
IfNoneMatch = Annotated[str | None, Header(description="`*`: the alias must not be there yet.")]
_TAGGED: Responses = {200: {"description": "The alias."} | headers("ETag")}


def _condition(lineage: str, alias: str, if_match: str | None, if_none_match: str | None) -> str:
    """The condition in the state store's words."""
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise AliasChanged(lineage, alias)
        return "-"
    if if_match is None:
        return ""
    tag = if_match.strip()
    # A weak tag never matches here, and neither does one that this service has not made.
    return tag if tag == "*" else tag.strip('"') if tag.startswith('"') and tag.strip('"').isdecimal() else "0"


def _tagged(response: Response, alias: Alias) -> AliasView:
    response.headers["ETag"] = f'"{alias.revision}"'
    return AliasView.of(alias)


@router.get("", operation_id="listAliases", responses=PAGE | problems(LineageNotFound))
def list_aliases(
    name: str, request: Request, response: Response, context: Ctx, limit: Limit = None, cursor: Cursor = None
) -> AliasPage:
    """Aliases of a lineage, by name."""
    listing = f"aliases of {name}"
    after = read_cursor(listing, cursor, str) or ""
    context.state.get_lineage(name)
    page, rest = first(context.state.list_aliases(name), after, limit or context.settings.page_size)
    following = write_cursor(listing, page[-1].name) if rest else None
    link_next(request, response, following)
    return AliasPage(aliases=[AliasView.of(alias) for alias in page], next=following)


@router.get("/{alias}", operation_id="getAlias", responses=_TAGGED | problems(AliasNotFound))
def get_alias(name: str, alias: str, response: Response, context: Ctx) -> AliasView:
    """One alias, with its ETag."""
    return _tagged(response, context.state.get_alias(name, alias))


@router.put(
    "/{alias}",
    operation_id="putAlias",
    responses=_TAGGED | problems(LineageNotFound, VersionNotFound, VersionRetired, AliasChanged),
)
def put_alias(
    name: str,
    alias: str,
    target: AliasTarget,
    response: Response,
    context: Ctx,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> AliasView:
    """Make an alias, or move it to another version."""
    condition = _condition(name, alias, if_match, if_none_match)
    return _tagged(response, move_alias(context, name, alias, target.version, condition))


@router.delete("/{alias}", operation_id="deleteAlias", status_code=204, responses=problems(AliasNotFound, AliasChanged))
def delete_alias(name: str, alias: str, context: Ctx, if_match: IfMatch = None) -> None:
    """Remove an alias; its version stays."""
    context.state.delete_alias(name, alias, _condition(name, alias, if_match, None))
