"""Webhooks of a lineage."""

from typing import Annotated

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from registry.api_key import Scope
from registry.errors import Conflict, LineageNotFound, Overloaded, WebhookNotFound
from service.http.problem_responses import Responses
from service.http.response_headers import headers
from service.pipeline.dependencies import ScopedStores, service
from service.pipeline.permissions import idempotent, raises, requires
from service.pipeline.route import GatewayRoute
from service.webhooks.dispatcher import WebhookDispatcher
from service.webhooks.schemas import AttemptPage, AttemptView, WebhookMade, WebhookPage, WebhookRequest, WebhookView

router = APIRouter(route_class=GatewayRoute, prefix="/lineages/{name}/webhooks", tags=["webhooks"])
Dispatcher = Annotated[WebhookDispatcher, service(WebhookDispatcher)]

_CREATED: Responses = {201: {"description": "The webhook, with its secret."} | headers("Location")}


@router.post("", operation_id="createWebhook", status_code=201, responses=_CREATED)
@requires(Scope.ADMIN)
@idempotent()
@raises(LineageNotFound, Conflict)
def create_webhook(name: str, asked: WebhookRequest, response: Response, dispatcher: Dispatcher) -> WebhookMade:
    """Notify a URL whenever a merge of the lineage ends. Only this response contains the signing secret."""
    made = dispatcher.add(name, asked.url)
    response.headers["Location"] = f"/lineages/{name}/webhooks/{made.id}"
    return WebhookMade.from_webhook(made)


@router.get("", operation_id="listWebhooks")
@requires(Scope.ADMIN)
@raises(LineageNotFound)
def list_webhooks(name: str, stores: ScopedStores, dispatcher: Dispatcher) -> WebhookPage:
    """List the lineage's webhooks, oldest first."""
    stores.lineages.get(name)
    return WebhookPage(webhooks=[WebhookView.from_webhook(webhook) for webhook in dispatcher.webhooks.list(name)])


@router.get("/{webhook}", operation_id="getWebhook")
@requires(Scope.ADMIN)
@raises(WebhookNotFound)
def get_webhook(name: str, webhook: str, dispatcher: Dispatcher) -> WebhookView:
    """Get a webhook, without its secret."""
    return WebhookView.from_webhook(dispatcher.webhooks.get(name, webhook))


@router.delete("/{webhook}", operation_id="deleteWebhook", status_code=204)
@requires(Scope.ADMIN)
@raises(WebhookNotFound)
def delete_webhook(name: str, webhook: str, dispatcher: Dispatcher) -> None:
    """Delete a webhook and its delivery log."""
    dispatcher.webhooks.delete(name, webhook)


@router.get("/{webhook}/deliveries", operation_id="listDeliveries")
@requires(Scope.ADMIN)
@raises(WebhookNotFound)
def list_deliveries(name: str, webhook: str, dispatcher: Dispatcher) -> AttemptPage:
    """List the newest delivery attempts, at most 100, newest first."""
    result = dispatcher.webhooks.log(name, webhook)
    return AttemptPage(deliveries=[AttemptView(**dict(attempt)) for attempt in result])


@router.post("/{webhook}/test", operation_id="testWebhook")
@requires(Scope.ADMIN)
@idempotent()
@raises(WebhookNotFound, Overloaded)
async def test_webhook(name: str, webhook: str, stores: ScopedStores, dispatcher: Dispatcher) -> AttemptView:
    """Send a message of the type `webhook.test` now; a success enables a disabled webhook again."""
    result = await run_in_threadpool(dispatcher.webhooks.get, name, webhook)
    return AttemptView(**dict(await dispatcher.test(result, stores.caller)))
