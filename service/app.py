"""The gateway, built in one place."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from registry import CODE_VERSION
from registry.address import parse_networks
from registry.blobs.files import forget_abandoned
from registry.blobs.places import open_places
from registry.state.access import RedisAccess
from registry.state.events import RedisEvents
from registry.state.figures import RedisFigures
from registry.state.intents import RedisIntents
from registry.state.reads import RedisReads
from registry.state.redis import RedisStateStore
from registry.state.webhooks import RedisWebhooks
from service import errors, idempotency, openapi
from service.access import Desk, guarded, with_place
from service.bodies import BodyBounds
from service.callers import Authenticator
from service.comparison import Comparer
from service.context import Context
from service.deliveries import Courier
from service.doorbell import create_doorbell
from service.idempotency import repeatable
from service.limits import RateLimiter
from service.metrics import Measured, Metrics
from service.outward import Outward
from service.routes import aliases, blobs, lineages, merges, models, operations, page, uploads, versions, watching
from service.routes import webhooks as webhook_routes
from service.senders import Senders
from service.settings import GatewaySettings
from service.slots import UploadSlots
from service.tidying import tidy
from service.tus import TusVersionHeader
from service.visits import Trail
from service.watchers import Watchers
from service.writing import written

_log = logging.getLogger(__name__)
_DESCRIPTION = (
    "Continual model merging as a service: send fine-tuned checkpoints, get one merged model that does all tasks."
)


def create_app(settings: GatewaySettings) -> FastAPI:
    """A gateway on its own connections. Nothing is contacted before the first request."""
    state = RedisStateStore(settings.redis_url)
    reads = RedisReads(settings.redis_url)
    events = RedisEvents(settings.redis_url)
    intents = RedisIntents(settings.redis_url, settings.idempotency_lease_seconds, settings.idempotency_seconds)
    watchers = Watchers(events, settings.max_watchers)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if left := await run_in_threadpool(forget_abandoned, settings.data_dir):
            _log.warning("%d uploads of a gateway or worker that died were deleted.", left)
        courier.start()
        async with tidy(context.uploads, state):
            yield
        await courier.close()
        await watchers.close()
        await reads.close()
        await events.close()
        await intents.close()
        await trail.finish()
        for store in (state, access, webhooks, figures):
            store.close()

    app = FastAPI(
        title="odem", version=CODE_VERSION, description=_DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    access = RedisAccess(settings.redis_url)
    webhooks = RedisWebhooks(settings.redis_url)
    networks = parse_networks(settings.webhook_networks)
    outward = Outward(networks, settings.webhook_timeout_seconds, plain=settings.webhook_http)
    courier = Courier(settings, state, webhooks, outward)
    trail = Trail(access, settings.audit_entries)
    places = open_places(settings, state, settings.upload_lifetime_seconds)
    context = app.state.context = Context(
        settings=settings,
        state=state,
        reads=reads,
        events=events,
        blobs=places.blobs,
        uploads=places.uploads,
        slots=UploadSlots(settings.max_open_uploads),
        senders=Senders(settings.takeover_seconds, settings.idle_seconds),
        access=access,
        ring=create_doorbell(settings.broker_url),
        watchers=watchers,
        comparer=Comparer(settings.max_comparisons),
        courier=courier,
    )
    app.add_middleware(TusVersionHeader)
    app.add_middleware(BodyBounds, settings=settings)
    figures = RedisFigures(settings.redis_url)
    app.state.metrics = Metrics(figures, settings.data_dir)
    app.add_middleware(Measured, metrics=app.state.metrics)
    errors.install(app)
    idempotency.install(app)
    openapi.install(app)
    app.add_middleware(trail.around)
    desk = Desk(settings, access, Authenticator(access, settings.key_cache_seconds), RateLimiter(access))
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
        app.router.routes.extend(guarded(repeatable(with_place(written(module.router.routes), desk), intents), desk))
    return app
