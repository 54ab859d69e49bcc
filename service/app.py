"""The gateway application, built in one place."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from registry import CODE_VERSION
from registry.blobs.factory import open_byte_stores
from registry.blobs.files import forget_abandoned
from registry.state.idempotency import IdempotencyRepository
from registry.state.state_store import AsyncStateStore, StateStore
from service.auth.api_keys import Authenticator
from service.auth.rate_limits import MergeQuota, RateLimiter
from service.auth.scoped_stores import Stores
from service.events import routes as event_routes
from service.events.broadcaster import Broadcaster
from service.lineages import alias_routes, version_routes
from service.lineages import routes as lineage_routes
from service.merges import routes as merge_routes
from service.merges.notify import WorkerNotifier
from service.models import routes as model_routes
from service.models.tensor_diff import TensorDiffer
from service.operations import docs_page, openapi
from service.operations import routes as operation_routes
from service.operations.periodic import periodic_work
from service.pipeline import error_handlers
from service.pipeline.audit import AuditLog
from service.pipeline.dependencies import Services
from service.pipeline.metrics import Metrics, MetricsMiddleware
from service.pipeline.route import Pipeline
from service.settings import GatewaySettings
from service.uploads import blob_routes, tus_routes
from service.uploads.concurrency import UploadLimit
from service.uploads.writer_lock import WriterLocks
from service.webhooks import routes as webhook_routes
from service.webhooks.dispatcher import WebhookDispatcher

_log = logging.getLogger(__name__)
_DESCRIPTION = "Continual model merging as a service: send fine-tuned checkpoints, get one merged model for all tasks."
_ROUTES = (
    *(merge_routes, event_routes, model_routes, lineage_routes, alias_routes, version_routes, webhook_routes),
    *(blob_routes, tus_routes, operation_routes, docs_page),
)


def create_app(settings: GatewaySettings) -> FastAPI:
    """A gateway on its own connections. Nothing is contacted before it starts."""
    state, reads = StateStore.open(settings.redis_url), AsyncStateStore.open(settings.redis_url)
    files = open_byte_stores(settings, state.manifests, settings.upload_lifetime_seconds)
    records = (state.lineages, state.versions, state.merges, state.aliases, state.retention)
    stores = Stores(*records, reads.queries, reads.events, files.blobs, files.uploads, state.sent_blobs)
    lease, lifetime = settings.idempotency_lease_seconds, settings.idempotency_seconds
    idempotency = IdempotencyRepository(reads.client, lease, lifetime)
    authenticator = Authenticator(state.api_keys, settings.key_cache_seconds)
    pipeline = Pipeline(settings, state.quotas, authenticator, RateLimiter(state.quotas), idempotency)
    watchers, audit = Broadcaster(reads.events, settings.max_watchers), AuditLog(state.audit, settings.audit_entries)
    dispatcher = WebhookDispatcher.create(settings, state.lineages, state.merges, state.webhooks)
    metrics = Metrics(state.metrics, settings.data_dir)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if count := await run_in_threadpool(forget_abandoned, settings.data_dir):
            _log.warning("Deleted %d uploads of gateways or workers that died.", count)
        dispatcher.start()
        async with periodic_work(files.uploads, state.merges):
            yield
        await dispatcher.close()
        await watchers.close()
        await audit.flush()
        await reads.close()
        state.close()

    app = FastAPI(
        title="odem", version=CODE_VERSION, description=_DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.services = Services(
        settings,
        stores,
        state,
        pipeline,
        watchers,
        dispatcher,
        metrics,
        MergeQuota(state.quotas, settings),
        WorkerNotifier(settings.broker_url),
        TensorDiffer(settings.max_comparisons),
        UploadLimit(settings.max_open_uploads),
        WriterLocks(settings.takeover_seconds),
    )
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_middleware(audit.around)
    error_handlers.install(app)
    openapi.install(app)
    for module in _ROUTES:
        # Unlike `include_router`, this matches a request against each route once.
        app.router.routes.extend(module.router.routes)
    return app
