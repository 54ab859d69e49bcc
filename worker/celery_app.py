"""The Celery application, built in one place.

A message is only a doorbell, `odem.advance(lineage)`: the state store says what there is to do. Hence prefork with one
child, one message at a time, acknowledged late, no result backend, and a visibility timeout that no merge outlasts:
see `docs/decisions/0003-celery-notifies.md`.
"""

from celery import Celery

from registry.redis_url import celery_broker
from worker.settings import WorkerSettings

ADVANCE = "odem.advance"
QUEUE = "odem"


def create_celery(settings: WorkerSettings) -> Celery:
    """A Celery application with the worker's tasks registered. Nothing is contacted yet."""
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
