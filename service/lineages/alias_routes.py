"""Aliases of a lineage. Their ETags prevent lost updates when two clients move an alias at once.

Source: RFC 9110, section 13.1 (If-Match, If-None-Match).
"""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from registry.alias import Alias
from registry.api_key import Scope
from registry.errors import AliasChanged, AliasNotFound, LineageNotFound, VersionNotFound, VersionRetired
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.lineages.operations import move_alias
from service.lineages.schemas import AliasPage, AliasTarget, AliasView
from service.pipeline.dependencies import ScopedStores
from service.pipeline.pagination import PAGE, RequestedPage
from service.pipeline.permissions import raises, requires
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, prefix="/lineages/{name}/aliases", tags=["lineages"])

IfMatch = Annotated[str | None, Header(description="The ETag that the alias must have; `*`: it must exist.")]
IfNoneMatch = Annotated[str | None, Header(description="`*`: the alias must not exist yet.")]
_TAGGED: Responses = {200: {"description": "The alias."} | headers("ETag")}


def _condition(lineage: str, alias: str, if_match: str | None, if_none_match: str | None) -> str:
    """The condition as the state store takes it."""
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise AliasChanged(lineage, alias)
        return "-"
    if if_match is None:
        return ""
    tag = if_match.strip()
    # A weak tag never matches, and neither does one that this service has not created.
    return tag if tag == "*" else tag.strip('"') if tag.startswith('"') and tag.strip('"').isdecimal() else "0"


def _tagged(response: Response, alias: Alias) -> AliasView:
    response.headers["ETag"] = f'"{alias.revision}"'
    return AliasView.from_alias(alias)


@router.get("", operation_id="listAliases", responses=PAGE)
@requires(Scope.READ)
@raises(LineageNotFound)
def list_aliases(name: str, stores: ScopedStores, page: RequestedPage) -> AliasPage:
    """List a lineage's aliases by name."""
    aliases, following = page.by_name(f"aliases of {name}", stores.aliases.list(name))
    stores.lineages.get(name)
    return AliasPage(aliases=[AliasView.from_alias(alias) for alias in aliases], next=following)


@router.get("/{alias}", operation_id="getAlias", responses=_TAGGED)
@requires(Scope.READ)
@raises(AliasNotFound)
def get_alias(name: str, alias: str, response: Response, stores: ScopedStores) -> AliasView:
    """Get an alias, with its ETag."""
    return _tagged(response, stores.aliases.get(name, alias))


@router.put("/{alias}", operation_id="putAlias", responses=_TAGGED)
@requires(Scope.ADMIN)
@raises(LineageNotFound, VersionNotFound, VersionRetired, AliasChanged)
def put_alias(
    name: str,
    alias: str,
    target: AliasTarget,
    response: Response,
    stores: ScopedStores,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> AliasView:
    """Create an alias, or move it to another version."""
    condition = _condition(name, alias, if_match, if_none_match)
    return _tagged(response, move_alias(stores, name, alias, target.version, condition))


@router.delete("/{alias}", operation_id="deleteAlias", status_code=204)
@requires(Scope.ADMIN)
@raises(AliasNotFound, AliasChanged)
def delete_alias(name: str, alias: str, stores: ScopedStores, if_match: IfMatch = None) -> None:
    """Delete an alias; its version stays."""
    stores.aliases.delete(name, alias, _condition(name, alias, if_match, None))
