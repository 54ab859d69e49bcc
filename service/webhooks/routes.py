"""Webhooks of a lineage."""

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from registry.errors import Conflict, LineageNotFound, WebhookNotFound
from service.http.problem_responses import Responses, problems
from service.http.response_headers import headers
from service.pipeline.context import Ctx
from service.webhooks.schemas import AttemptPage, AttemptView, WebhookMade, WebhookPage, WebhookRequest, WebhookView

router = APIRouter(prefix="/lineages/{name}/webhooks", tags=["webhooks"])

_CREATED: Responses = {201: {"description": "The webhook, with its secret."} | headers("Location")}


@router.post(
    "",
    operation_id="createWebhook",
    status_code=201,
    responses=_CREATED | problems(LineageNotFound, Conflict),
)
def create_webhook(name: str, asked: WebhookRequest, response: Response, context: Ctx) -> WebhookMade:
    """Send word to a URL whenever a merge of the lineage ends. The answer shows the signing secret, this once."""
    made = context.courier.add(name, asked.url)
    response.headers["Location"] = f"/lineages/{name}/webhooks/{made.id}"
    return WebhookMade.of(made)


@router.get("", operation_id="listWebhooks", responses=problems(LineageNotFound))
def list_webhooks(name: str, context: Ctx) -> WebhookPage:
    """The lineage's webhooks, oldest first."""
    context.state.get_lineage(name)
    return WebhookPage(webhooks=[WebhookView.of(webhook) for webhook in context.courier.webhooks.list(name)])


@router.get("/{webhook}", operation_id="getWebhook", responses=problems(WebhookNotFound))
def get_webhook(name: str, webhook: str, context: Ctx) -> WebhookView:
    """One webhook, without its secret."""
    return WebhookView.of(context.courier.webhooks.get(name, webhook))


@router.delete("/{webhook}", operation_id="deleteWebhook", status_code=204, responses=problems(WebhookNotFound))
def delete_webhook(name: str, webhook: str, context: Ctx) -> None:
    """Send nothing there any more; its log goes too."""
    context.courier.webhooks.delete(name, webhook)


@router.get("/{webhook}/deliveries", operation_id="listDeliveries", responses=problems(WebhookNotFound))
def list_deliveries(name: str, webhook: str, context: Ctx) -> AttemptPage:
    """What came of the newest attempts, a hundred at most, newest first."""
    found = context.courier.webhooks.log(name, webhook)
    return AttemptPage(deliveries=[AttemptView(**dict(attempt)) for attempt in found])


@router.post("/{webhook}/test", operation_id="testWebhook", responses=problems(WebhookNotFound))
async def test_webhook(name: str, webhook: str, context: Ctx) -> AttemptView:
    """Send a message of the type `webhook.test` now, and say what came of it; switches a disabled webhook on again."""
    found = await run_in_threadpool(context.courier.webhooks.get, name, webhook)
    return AttemptView(**dict(await context.courier.test(found)))
