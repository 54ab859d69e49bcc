"""The pipeline of every route: authenticate, rate limit, byte quota, idempotency, merge quota, endpoint.

`GatewayRoute` overrides `get_route_handler()`, FastAPI's documented extension point. All refusals happen before a byte
of the body is read, so a client that sends `Expect: 100-continue` sends no body.
"""

import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Self

from fastapi import Request, Response
from fastapi.routing import APIRoute

from registry.api_key import Scope
from registry.errors import LineageNotFound, NotAllowed
from registry.state.async_connection import AsyncRedisClient
from registry.state.idempotency import IdempotencyRepository
from registry.state.interface import IdempotencyStore
from registry.state.quotas import QuotaRepository
from registry.state.state_store import StateStore
from service.auth.api_keys import Authenticator
from service.auth.rate_limits import ByteMeter, Limits, RateLimiter
from service.auth.request_state import RequestState, request_state
from service.pipeline.body_limits import BoundedBody
from service.pipeline.browser_guard import check_browser
from service.pipeline.dependencies import services_of
from service.pipeline.idempotency import Handler, attempt_of, respond_once
from service.pipeline.permissions import policy_of
from service.pipeline.route_docs import document_policy
from service.pipeline.storage_guard import StorageGuard
from service.settings import GatewaySettings


@dataclass(frozen=True)
class Pipeline:
    """What all routes of one gateway share."""

    settings: GatewaySettings
    quotas: QuotaRepository
    authenticator: Authenticator
    limiter: RateLimiter
    idempotency: IdempotencyStore

    @classmethod
    def create(cls, settings: GatewaySettings, state: StateStore, client: AsyncRedisClient) -> Self:
        """The pipeline on the gateway's stores."""
        return cls(
            settings,
            state.quotas,
            Authenticator(state.api_keys, settings.key_cache_seconds),
            RateLimiter(state.quotas),
            IdempotencyRepository(client, settings.idempotency_lease_seconds, settings.idempotency_seconds),
        )

    async def admit(self, request: Request, state: RequestState, scope: Scope | None, *, names_lineage: bool) -> None:
        """Authenticate the caller and take a token of its rate limit.

        names_lineage: the path names a lineage, which a key limited to others must not know of. Raises
        NotAuthenticated, TooManyRequests, NotAllowed, LineageNotFound, StoreUnavailable.
        """
        if scope is None:
            return
        if not self.settings.auth:
            if rate := self.settings.address_rate_limit:
                address = request.client.host if request.client else ""
                await self.limiter.take(f"address:{address}", rate, max(1, math.ceil(4 * rate)), state.headers)
            return
        caller = state.caller = await self.authenticator.caller(request.scope)
        key = caller.key
        assert key is not None  # noqa: S101  an authenticated caller has a key
        limits = Limits.from_key(key, self.settings)
        if limits.rate:
            await self.limiter.take(f"key:{key.id}", limits.rate, limits.burst, state.headers)
        if not key.scope.includes(scope):
            raise NotAllowed(f"This key has the scope '{key.scope}'; the route requires '{scope}'.", scope)
        if names_lineage and not caller.sees(name := request.path_params["name"]):
            state.refuse()
            raise LineageNotFound(name)

    async def with_body_limits(
        self, request: Request, state: RequestState, handle: Handler, *, streamed: bool
    ) -> Response:
        """Handle a request whose body is bounded, and counted against its key's daily quota."""
        receive = BoundedBody(request, state, self.settings, streamed=streamed).receive
        key = state.caller.key
        quota = Limits.from_key(key, self.settings).upload_bytes if key else 0
        if key is None or not quota:
            return await handle(Request(request.scope, receive))
        meter = ByteMeter(self.quotas, key, quota)
        await meter.begin(request.scope)
        try:
            return await handle(Request(request.scope, meter.around(receive)))
        finally:
            await meter.refund()


class GatewayRoute(APIRoute):
    """A route with the policy that its endpoint's decorators declare. Raises TypeError without `@requires`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        policy = policy_of(endpoint)
        if not policy.declared:
            raise TypeError(f"Decorate the endpoint of {path} with @requires (service/pipeline/permissions.py).")
        super().__init__(path, endpoint, **document_policy(policy, options))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI behind the pipeline."""
        handle, policy = super().get_route_handler(), policy_of(self.endpoint)
        action = self.operation_id or self.name
        names_lineage = self.path.startswith("/lineages/{name}")

        async def run(request: Request) -> Response:
            state, services = request_state(request.scope), services_of(request)
            state.action = action
            pipeline = services.get(Pipeline)
            check_browser(request, pipeline.settings)
            await pipeline.admit(request, state, policy.scope, names_lineage=names_lineage)

            async def with_quota(request: Request) -> Response:
                if not attempt_of(request.scope).has_response:
                    if policy.needs_storage:
                        await services.get(StorageGuard).check()
                    if policy.quota is not None:
                        await services.get(policy.quota).check(state.caller)
                return await handle(request)

            async def once(request: Request) -> Response:
                return await respond_once(
                    pipeline.idempotency, request, state.caller, with_quota, streamed=policy.streamed
                )

            inner = once if policy.idempotent else with_quota if policy.quota else handle
            if not state.body_pending:
                return await inner(request)
            return await pipeline.with_body_limits(request, state, inner, streamed=policy.streamed)

        return run
