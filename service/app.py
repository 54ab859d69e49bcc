"""The gateway, built in one place."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from registry import CODE_VERSION
from registry.blobs.factory import open_byte_stores
from registry.blobs.files import forget_abandoned
from registry.networks import parse_networks
from registry.state.async_connection import AsyncRedisClient
from registry.state.async_queries import AsyncQueryRepository
from registry.state.connection import RedisClient
from registry.state.events import EventRepository
from registry.state.idempotency import IdempotencyRepository
from registry.state.state_store import RedisApiKeys, RedisStateStore
from service.auth.api_keys import Authenticator
from service.auth.rate_limits import RateLimiter
from service.auth.request_state import AuditLog
from service.events import routes as watching
from service.events.broadcaster import Broadcaster
from service.lineages import alias_routes as aliases
from service.lineages import routes as lineages
from service.lineages import version_routes as versions
from service.merges import routes as merges
from service.merges.notify import create_notifier
from service.models import routes as models
from service.models.tensor_diff import TensorDiffer
from service.operations import docs_page as page
from service.operations import openapi
from service.operations import routes as operations
from service.operations.periodic import tidy
from service.pipeline import error_handlers as errors
from service.pipeline import idempotency
from service.pipeline.body_limits import BodyBounds
from service.pipeline.context import Context
from service.pipeline.idempotency import repeatable
from service.pipeline.metrics import Measured, Metrics
from service.pipeline.permissions import AccessControl, guarded, with_merge_quota
from service.pipeline.writing import written
from service.settings import GatewaySettings
from service.uploads import blob_routes as blobs
from service.uploads import tus_routes as uploads
from service.uploads.concurrency import UploadLimit
from service.uploads.tus import TusVersionHeader
from service.uploads.writer_lock import WriterLocks
from service.webhooks import routes as webhook_routes
from service.webhooks.dispatcher import WebhookDispatcher
from service.webhooks.ssrf_safe_client import SsrfSafeClient

_log = logging.getLogger(__name__)
_DESCRIPTION = (
    "Continual model merging as a service: send fine-tuned checkpoints, get one merged model that does all tasks."
)


def create_app(settings: GatewaySettings) -> FastAPI:
    """A gateway on its own connections. Nothing is contacted before the first request."""
    state = RedisStateStore(RedisClient(settings.redis_url))
    async_client = AsyncRedisClient(settings.redis_url)
    reads, events = AsyncQueryRepository(async_client), EventRepository(async_client)
    intents = IdempotencyRepository(async_client, settings.idempotency_lease_seconds, settings.idempotency_seconds)
    watchers = Broadcaster(events, settings.max_watchers)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if left := await run_in_threadpool(forget_abandoned, settings.data_dir):
            _log.warning("%d uploads of a gateway or worker that died were deleted.", left)
        courier.start()
        async with tidy(context.uploads, state):
            yield
        await courier.close()
        await watchers.close()
        await async_client.close()
        await trail.finish()
        state.close()

    app = FastAPI(
        title="odem", version=CODE_VERSION, description=_DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    access, webhooks, figures = RedisApiKeys(state), state.webhooks, state.metrics
    networks = parse_networks(settings.webhook_networks)
    outward = SsrfSafeClient(networks, settings.webhook_timeout_seconds, allow_http=settings.webhook_http)
    courier = WebhookDispatcher(settings, state, webhooks, outward)
    trail = AuditLog(access, settings.audit_entries)
    places = open_byte_stores(settings, state.manifests, settings.upload_lifetime_seconds)
    context = app.state.context = Context(
        settings=settings,
        state=state,
        reads=reads,
        events=events,
        blobs=places.blobs,
        uploads=places.uploads,
        slots=UploadLimit(settings.max_open_uploads),
        senders=WriterLocks(settings.takeover_seconds),
        access=access,
        ring=create_notifier(settings.broker_url),
        watchers=watchers,
        comparer=TensorDiffer(settings.max_comparisons),
        courier=courier,
    )
    app.add_middleware(TusVersionHeader)
    app.add_middleware(BodyBounds, settings=settings)
    app.state.metrics = Metrics(figures, settings.data_dir)
    app.add_middleware(Measured, metrics=app.state.metrics)
    errors.install(app)
    idempotency.install(app)
    openapi.install(app)
    app.add_middleware(trail.around)
    desk = AccessControl(settings, access, Authenticator(access, settings.key_cache_seconds), RateLimiter(access))
    for module in (
        merges,
        watching,
        models,
        lineages,
        aliases,
        versions,
        webhook_routes,
        blobs,
        uploads,
        operations,
        page,
    ):
        # Not `include_router`: routes that lie flat are matched once and not once for each router that holds them.
        app.router.routes.extend(
            guarded(repeatable(with_merge_quota(written(module.router.routes), desk), intents), desk)
        )
    return app
