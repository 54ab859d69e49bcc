"""`python -m worker`: a Celery worker with one child that runs merges."""

import logging
import os

# SIGTERM asks for Celery's soft shutdown: the merge may go on for `shutdown_seconds`, then its message is given back.
os.environ["REMAP_SIGTERM"] = "SIGQUIT"

from worker.app import QUEUE, create_celery
from worker.settings import WorkerSettings
from worker.tasks import register


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = WorkerSettings()
    celery = create_celery(settings)
    register(celery, settings)
    celery.worker_main(
        [
            "worker",
            "--queues",
            QUEUE,
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel",
            "INFO",
        ]
    )


if __name__ == "__main__":
    main()
