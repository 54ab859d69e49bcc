"""What each route needs of whoever asks. A route that is not in the table cannot be served: `create_app` refuses it."""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asgi

from registry.api_key import Scope
from registry.errors import LineageNotFound, NotAllowed
from registry.state.state_store import RedisApiKeys
from service.auth.api_keys import ANYBODY, Authenticator
from service.auth.rate_limits import ByteMeter, Limits, RateLimiter, check_merge_quota
from service.auth.request_state import RequestState, request_state
from service.pipeline.idempotency import attempt_of
from service.settings import GatewaySettings

REQUIRED_SCOPES: dict[str, Scope | None] = {
    "GET /healthz": None,
    "GET /readyz": None,
    "GET /metrics": Scope.READ,
    "GET /docs": None,
    "GET /docs/docs.css": None,
    "GET /docs/docs.js": None,
    "POST /merge": Scope.MERGE,
    "GET /merges": Scope.READ,
    "GET /merges/{merge_id}": Scope.READ,
    "POST /merges/{merge_id}/cancel": Scope.MERGE,
    "GET /merges/{merge_id}/events": Scope.READ,
    "GET /lineages/{name}/events": Scope.READ,
    "GET /models": Scope.READ,
    "GET /models/{version}": Scope.READ,
    "GET /models/{a}/diff/{b}": Scope.READ,
    "GET /models/{version}/weights": Scope.READ,
    "HEAD /models/{version}/weights": Scope.READ,
    "GET /models/{version}/open_clip_config.json": Scope.READ,
    "POST /blobs": Scope.MERGE,
    "HEAD /blobs/{digest}": Scope.MERGE,
    "OPTIONS /uploads": None,
    "POST /uploads": Scope.MERGE,
    "HEAD /uploads/{upload_id}": Scope.MERGE,
    "GET /uploads/{upload_id}": Scope.MERGE,
    "PATCH /uploads/{upload_id}": Scope.MERGE,
    "DELETE /uploads/{upload_id}": Scope.MERGE,
    "POST /uploads/{upload_id}": Scope.MERGE,
    "POST /lineages": Scope.ADMIN,
    "GET /lineages": Scope.READ,
    "GET /lineages/{name}": Scope.READ,
    "GET /lineages/{name}/aliases": Scope.READ,
    "GET /lineages/{name}/aliases/{alias}": Scope.READ,
    "PUT /lineages/{name}/aliases/{alias}": Scope.ADMIN,
    "DELETE /lineages/{name}/aliases/{alias}": Scope.ADMIN,
    "POST /lineages/{name}/rollback": Scope.ADMIN,
    "POST /lineages/{name}/branch": Scope.ADMIN,
    "PUT /lineages/{name}/pins/{number}": Scope.ADMIN,
    "DELETE /lineages/{name}/pins/{number}": Scope.ADMIN,
    "GET /lineages/{name}/retention": Scope.READ,
    "PUT /lineages/{name}/retention": Scope.ADMIN,
    "DELETE /lineages/{name}/retention": Scope.ADMIN,
    "POST /lineages/{name}/retention/apply": Scope.ADMIN,
    "POST /lineages/{name}/webhooks": Scope.ADMIN,
    "GET /lineages/{name}/webhooks": Scope.ADMIN,
    "GET /lineages/{name}/webhooks/{webhook}": Scope.ADMIN,
    "DELETE /lineages/{name}/webhooks/{webhook}": Scope.ADMIN,
    "GET /lineages/{name}/webhooks/{webhook}/deliveries": Scope.ADMIN,
    "POST /lineages/{name}/webhooks/{webhook}/test": Scope.ADMIN,
}
"""Method and path -> the scope that a key must have; None for what anybody may ask.

A path that begins with `/lineages/{name}` is refused to a key that is limited to other lineages, before anything is
read. Whatever else a limited key asks, it asks of what it may see (see visible.py).
"""


def declare_security(document: dict[str, Any]) -> None:
    """Say in an OpenAPI document which operations need a key, and of which scope."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["key"] = {"type": "http", "scheme": "bearer", "description": "An API key, where ODEM_AUTH is on."}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            need = REQUIRED_SCOPES.get(f"{method.upper()} {path}")
            operation["security"] = [{"key": [str(need)]}] if need else []
            for status in () if need else ("401", "403", "429"):
                operation["responses"].pop(status, None)


def guarded(routes: Iterable[BaseRoute], desk: "AccessControl") -> Iterator[BaseRoute]:
    """The same routes, each behind its guard. Raises LookupError for a route whose need is not declared."""
    for route in routes:
        assert isinstance(route, APIRoute)  # noqa: S101  routers have no other routes
        needs = {method: _need(method, route.path) for method in route.methods or ()}
        made = copy.copy(route)
        made.app = _Guard(route.app, route.operation_id or route.name, needs, desk)
        yield made


def with_merge_quota(routes: Iterable[BaseRoute], desk: "AccessControl") -> Iterator[BaseRoute]:
    """The same routes; before a merge's body is read its key must have a place for one more."""
    for route in routes:
        if isinstance(route, APIRoute) and route.path == "/merge":
            route = copy.copy(route)  # noqa: PLW2901
            route.app = _Place(route.app, desk)
        yield route


def _need(method: str, path: str) -> Scope | None:
    name = f"{method} {path}"
    if name not in REQUIRED_SCOPES:
        raise LookupError(f"Say in service/pipeline/permissions.py what {name!r} needs.")
    return REQUIRED_SCOPES[name]


@dataclass(frozen=True)
class AccessControl:
    """Where each request is looked at: what the guards of one app share."""

    settings: GatewaySettings
    access: RedisApiKeys
    authenticator: Authenticator
    limiter: RateLimiter

    async def admit(self, scope: Asgi, visit: RequestState, need: Scope | None) -> Limits | None:
        """Find who asks, and refuse what they may not; returns a key's limits.

        Raises NotAuthenticated, TooManyRequests, NotAllowed, LineageNotFound, StoreUnavailable.
        """
        if need is None or not self.settings.auth:
            visit.caller = ANYBODY
            if need is not None and (rate := self.settings.address_rate_limit):
                who = f"address:{(scope.get('client') or ('',))[0]}"
                await self.limiter.take(who, rate, max(1, math.ceil(4 * rate)), visit.headers)
            return None
        caller = visit.caller = await self.authenticator.caller(scope)
        key = caller.key
        assert key is not None  # noqa: S101  an authenticator finds keys
        limits = Limits.of(key, self.settings)
        if limits.rate:
            await self.limiter.take(f"key:{key.id}", limits.rate, limits.burst, visit.headers)
        if not key.scope.includes(need):
            raise NotAllowed(f"This key has the scope '{key.scope}'; this needs '{need}'.", need)
        path = scope["route"].path
        if path.startswith("/lineages/{name}") and not caller.sees(scope["path_params"]["name"]):
            visit.refuse()
            raise LineageNotFound(scope["path_params"]["name"])
        return limits

    async def check_merge_quota(self, scope: Asgi) -> None:
        """Raises QuotaExceeded where a key may queue no merge more. Whoever asks again for an answer gets that."""
        caller = request_state(scope).caller
        if caller and caller.key and not attempt_of(scope).answered:
            limits = Limits.of(caller.key, self.settings)
            await run_in_threadpool(check_merge_quota, self.access, caller.key, limits.queued_merges)


@dataclass(frozen=True)
class _Place:
    """Stands before POST /merge, behind what finds the answer to a request that is sent again."""

    app: ASGIApp
    desk: AccessControl

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        await self.desk.check_merge_quota(scope)
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class _Guard:
    """Stands before a route: whoever is refused here has not had a byte of the body read, not even asked for."""

    app: ASGIApp
    action: str
    needs: Mapping[str, Scope | None]
    desk: AccessControl

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        visit = request_state(scope)
        visit.action = self.action
        limits = await self.desk.admit(scope, visit, self.needs[scope["method"]])
        if limits is None or not limits.upload_bytes or scope["method"] in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        assert visit.caller is not None  # noqa: S101  whoever has limits was found
        assert visit.caller.key is not None  # noqa: S101
        meter = ByteMeter(self.desk.access, visit.caller.key, limits.upload_bytes)
        await meter.begin(scope)
        try:
            await self.app(scope, meter.around(receive), send)
        finally:
            await meter.settle()
