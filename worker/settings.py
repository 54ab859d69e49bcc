"""The worker's settings, read once from `ODEM_*` environment variables."""

from pydantic import Field

from registry.logging_config import LogFormat
from registry.settings import StoreSettings
from worker.merge_limits import MergeLimits

_SILENCE_SECONDS = 120.0
"""Lower limit of the time that a merge's lease thread may be silent, however short the lease is."""


class WorkerSettings(StoreSettings):
    """Settings of a worker; see `docs/reference/settings.md`."""

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
    max_merge_seconds: float = Field(
        21_600.0, gt=0, description="Longest time that one merge may run; then it is ended and fails (time-limit)."
    )
    max_merge_memory_bytes: int = Field(
        64 << 30,
        ge=64 << 20,
        description="Most memory of the process that runs a merge; then it is ended and fails (out-of-memory).",
    )
    cancel_grace_seconds: float = Field(
        30.0, gt=0, description="How long a merge may take to stop after a cancel before its process is killed."
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

    @property
    def merge_limits(self) -> MergeLimits:
        """What one merge may take."""
        return MergeLimits(
            seconds=self.max_merge_seconds,
            cancel_grace_seconds=self.cancel_grace_seconds,
            memory_bytes=self.max_merge_memory_bytes,
            silence_seconds=max(_SILENCE_SECONDS, 4 * self.lease_seconds),
        )
