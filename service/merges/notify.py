"""Ringing for a worker: a Celery message that carries a lineage's name and nothing else.

A message that is lost loses nothing, because the record is stored before the bell rings and workers sweep for waiting
lineages; so a broker that does not answer is logged and not an error of the request.
"""

import logging
from collections.abc import Callable

from celery import Celery
from kombu.exceptions import OperationalError

from registry.redis_url import celery_broker

ADVANCE = "odem.advance"
QUEUE = "odem"

_log = logging.getLogger(__name__)


def create_notifier(broker_url: str) -> Callable[[str], None]:
    """A function that rings for a lineage; it never raises."""
    celery = Celery("odem")
    broker = celery_broker(broker_url)
    options = broker.pop("broker_transport_options", {})
    timeouts = {"visibility_timeout": 86_400, "socket_timeout": 5.0, "socket_connect_timeout": 2.0}
    celery.conf.update(
        **broker,
        task_ignore_result=True,
        broker_connection_timeout=2.0,
        broker_transport_options=options | timeouts,
    )

    def ring(lineage: str) -> None:
        try:
            celery.send_task(ADVANCE, args=[lineage], queue=QUEUE, retry=False)
        except (OperationalError, OSError) as error:
            _log.warning("The broker does not answer (%s); a worker's sweep will find %s.", error, lineage)

    return ring
