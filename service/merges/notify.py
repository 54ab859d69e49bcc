"""Notification of workers: a Celery message that carries a lineage's name.

A lost message loses nothing: the merge is stored before it is sent, and workers look for queued merges periodically. So
an unreachable broker is logged and is no error of the request.
"""

import logging

from celery import Celery
from kombu.exceptions import OperationalError

from registry.redis_url import celery_broker

ADVANCE = "odem.advance"
QUEUE = "odem"

_log = logging.getLogger(__name__)


class WorkerNotifier:
    """Sends messages to workers."""

    def __init__(self, broker_url: str) -> None:
        self._celery = Celery("odem")
        broker = celery_broker(broker_url)
        options = broker.pop("broker_transport_options", {})
        timeouts = {"visibility_timeout": 86_400, "socket_timeout": 5.0, "socket_connect_timeout": 2.0}
        self._celery.conf.update(
            **broker,
            task_ignore_result=True,
            broker_connection_timeout=2.0,
            broker_transport_options=options | timeouts,
        )

    def notify(self, lineage: str) -> None:
        """Tell a worker that a lineage has a queued merge. Blocks on the broker; never raises."""
        try:
            self._celery.send_task(ADVANCE, args=[lineage], queue=QUEUE, retry=False)
        except (OperationalError, OSError) as error:
            _log.warning("Broker unavailable (%s); a worker will find the merge in %s by itself.", error, lineage)
