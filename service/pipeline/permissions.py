"""The policy of a route, declared by decorators on its endpoint: scope, idempotency, quota, problems.

    @router.post("/merge", status_code=202)
    @requires(Scope.MERGE)
    @idempotent(body="streamed")
    @reserves(MergeQuota)
    @raises(LineageNotFound, TooLarge)
    async def create_merge(...): ...

`GatewayRoute` (route.py) enforces the policy and derives the route's OpenAPI documentation from it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from registry.api_key import Scope
from registry.errors import OdemError
from service.auth.rate_limits import MergeQuota

_POLICY = "odem_policy"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True)
class RoutePolicy:
    """What the pipeline does before an endpoint runs.

    scope: the scope that a key must have; None: anyone may call. declared: whether `requires` was used.
    streamed: the endpoint reads the body itself, up to ODEM_MAX_BODY_BYTES; other bodies are JSON documents.
    quota: checked before the body is read. needs_storage: refused while disk or state store are nearly full.
    raises: errors that OpenAPI documents for this route.
    """

    declared: bool = False
    scope: Scope | None = None
    idempotent: bool = False
    streamed: bool = False
    quota: type[MergeQuota] | None = None
    needs_storage: bool = False
    raises: tuple[type[OdemError], ...] = ()


def policy_of(endpoint: Callable[..., Any]) -> RoutePolicy:
    """The policy that an endpoint's decorators have declared so far."""
    result: RoutePolicy = getattr(endpoint, _POLICY, RoutePolicy())
    return result


def requires(scope: Scope | None) -> Callable[[Endpoint], Endpoint]:
    """Let only keys of this scope call the route; `PUBLIC`: anyone. Every route needs this decorator."""
    return _declare(declared=True, scope=scope)


PUBLIC = None
"""`@requires(PUBLIC)`: the route needs no API key, and no rate limit applies."""


def idempotent(body: Literal["document", "streamed"] = "document") -> Callable[[Endpoint], Endpoint]:
    """Accept an Idempotency-Key.

    A document is read and compared before the endpoint runs. An endpoint with a streamed body reads it itself and calls
    `Attempt.bind_fingerprint`.
    """
    return _declare(idempotent=True, streamed=body == "streamed")


def streams_body(endpoint: Endpoint) -> Endpoint:
    """Let the endpoint read a body of up to ODEM_MAX_BODY_BYTES itself."""
    return _declare(streamed=True)(endpoint)


def reserves(quota: type[MergeQuota]) -> Callable[[Endpoint], Endpoint]:
    """Check a quota before the body is read; the endpoint reserves it."""
    return _declare(quota=quota)


def needs_storage(endpoint: Endpoint) -> Endpoint:
    """Refuse the request before its body is read while the disk or the state store has little room."""
    return _declare(needs_storage=True)(endpoint)


def raises(*errors: type[OdemError]) -> Callable[[Endpoint], Endpoint]:
    """Document the errors that the endpoint raises."""
    return _declare(raises=errors)


def _declare(**changes: Any) -> Callable[[Endpoint], Endpoint]:
    def decorate(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _POLICY, replace(policy_of(endpoint), **changes))
        return endpoint

    return decorate
