"""`python -m worker`: a Celery worker with one child that runs merges."""

import logging
import os
import warnings

# OpenMP threads sleep while they wait: beside a busy gateway, spinning makes torch up to ten times slower. torch reads
# the variable when it is imported, in the child.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# No library may reach a model hub, whatever a model config says.
os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"

from celery.platforms import SecurityWarning

from merging.kernels import api as kernels
from registry.logging_config import LogFormat, handler
from worker.celery_app import QUEUE, create_celery
from worker.settings import WorkerSettings
from worker.tasks import register


def main() -> None:
    """Run the worker until SIGTERM or SIGINT."""
    settings = WorkerSettings.read()
    _configure_logging(settings.log_format)
    # Before the fork, so that no merge waits for numba's import, and every child has the compiled loops.
    kernels.prepare()
    celery = create_celery(settings)
    register(celery, settings)
    celery.worker_main(
        ["--quiet", "worker", "--queues", QUEUE, "--without-gossip", "--without-mingle", "--without-heartbeat"]
    )


def _configure_logging(form: LogFormat) -> None:
    logging.basicConfig(level=logging.WARNING, handlers=[handler(form)])
    for name in ("worker", "celery.apps.worker"):
        logging.getLogger(name).setLevel(logging.INFO)
    # open_clip logs to the root logger, and warns of random weights, which are then replaced.
    logging.getLogger().handlers[0].addFilter(lambda record: record.name != "root" or record.levelno >= logging.ERROR)
    # Celery warns about root because of pickled messages; these are JSON and carry a lineage's name.
    warnings.filterwarnings("ignore", category=SecurityWarning)


if __name__ == "__main__":
    main()
