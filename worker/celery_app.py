"""The Celery application.

A message, `odem.advance(lineage)`, is only a notification; the state store decides what runs. Hence prefork with one
child, one message at a time, late acknowledgement, no result backend, and a visibility timeout that exceeds every
merge: see `docs/decisions/0003-celery-notifies.md`.
"""

from celery import Celery

from registry.redis_url import celery_broker
from worker.settings import WorkerSettings

ADVANCE = "odem.advance"
QUEUE = "odem"


def create_celery(settings: WorkerSettings) -> Celery:
    """Build the Celery application; it connects to the broker on first use."""
    app = Celery("odem")
    broker = celery_broker(settings.broker_url)
    options = broker.pop("broker_transport_options", {})
    app.conf.update(
        **broker,
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_concurrency=1,
        worker_pool="prefork",
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=options | {"visibility_timeout": 86_400},
    )
    return app
