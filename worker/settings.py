"""The worker's settings, read once from `ODEM_*` environment variables."""

from pydantic import Field

from registry.logging_config import LogFormat
from registry.settings import StoreSettings


class WorkerSettings(StoreSettings):
    """What a worker must be told; `docs/operations.md` lists the same."""

    broker_url: str = Field(
        "redis://127.0.0.1:6379/1", description="Celery's broker: another database of the same server."
    )
    log_format: LogFormat = Field("plain", description="How processes log: plain lines, or json: one object a line.")
    device: str = Field("auto", description="Where merges run: auto (a GPU where there is one), cpu, cuda, cuda:1, ...")
    lease_seconds: float = Field(
        30.0, gt=0, description="How long a merge whose worker died waits before another worker takes it over."
    )
    max_attempts: int = Field(
        3, ge=1, description="How often a merge is started before it fails because its workers died."
    )
    sweep_seconds: float = Field(5.0, gt=0, description="How often a worker looks for merges whose message was lost.")
    store_patience_seconds: float = Field(
        120.0, ge=0, description="How long a finished merge waits for a state store that does not answer."
    )
    shutdown_seconds: float = Field(
        10.0,
        ge=0,
        description="How long work goes on after SIGTERM; then a download is cut off, a merge left to another worker.",
    )
