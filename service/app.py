"""The gateway application, built in one place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from registry import CODE_VERSION
from registry.blobs.factory import open_byte_stores
from registry.state.state_store import AsyncStateStore, StateStore
from service.auth.rate_limits import MergeQuota
from service.auth.scoped_stores import Stores
from service.auth.shares import SharedLimit
from service.events import routes as event_routes
from service.events.broadcaster import Broadcaster
from service.lineages import alias_routes, version_routes
from service.lineages import routes as lineage_routes
from service.merges import routes as merge_routes
from service.merges import sums_routes
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
from service.pipeline.storage_guard import StorageGuard
from service.settings import GatewaySettings
from service.uploads import blob_routes, tus_routes
from service.uploads.service import UploadLimit
from service.uploads.writer_lock import WriterLocks
from service.webhooks import routes as webhook_routes
from service.webhooks.dispatcher import WebhookDispatcher

_DESCRIPTION = "Continual model merging as a service: send fine-tuned checkpoints, get one merged model for all tasks."
_ROUTES = (
    *(
        merge_routes,
        sums_routes,
        event_routes,
        model_routes,
        lineage_routes,
        alias_routes,
        version_routes,
        webhook_routes,
    ),
    *(blob_routes, tus_routes, operation_routes, docs_page),
)


def create_app(settings: GatewaySettings) -> FastAPI:
    """A gateway on its own connections. Nothing is contacted before it starts."""
    state, reads = (
        StateStore.open(settings.redis_url),
        AsyncStateStore.open(settings.redis_url, settings.max_page_bytes),
    )
    files = open_byte_stores(settings, state.manifests, settings.upload_lifetime_seconds)
    records = (state.lineages, state.versions, state.merges, state.aliases, state.retention)
    stores = Stores(*records, reads.queries, reads.events, files.blobs, files.uploads, state.sent_blobs)
    stream_limit = SharedLimit(settings.max_watchers, settings.key_share, "event streams", "ODEM_MAX_WATCHERS")
    broadcaster, audit = Broadcaster(reads.events, stream_limit), AuditLog(state.audit, settings.audit_entries)
    dispatcher = WebhookDispatcher.create(settings, state.lineages, state.merges, state.webhooks)
    metrics = Metrics(state.metrics, settings.data_dir)

    services = Services(
        *(settings, stores, state, broadcaster, dispatcher, metrics, Pipeline.create(settings, state, reads.client)),
        *(MergeQuota(state.quotas, settings), WorkerNotifier(settings.broker_url)),
        *(UploadLimit(settings.max_open_uploads), WriterLocks(settings.takeover_seconds)),
        StorageGuard(state.metrics, settings),
        TensorDiffer(
            SharedLimit(settings.max_comparisons, settings.key_share, "comparisons of versions", "ODEM_MAX_COMPARISONS")
        ),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        dispatcher.start()
        async with periodic_work(settings.data_dir, files.uploads, state.merges):
            yield
        for part in (dispatcher, broadcaster, audit, reads):
            await part.close()
        state.close()

    app = FastAPI(title="odem", version=CODE_VERSION, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.description = _DESCRIPTION
    app.state.services = services
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_middleware(audit.around)
    error_handlers.install(app)
    openapi.install(app)
    for module in _ROUTES:
        # Unlike `include_router`, this matches a request against each route once.
        app.router.routes.extend(module.router.routes)
    return app
