"""The gateway's settings, read once from `ODEM_*` environment variables."""

from pydantic import Field, field_validator

from registry.logging_config import LogFormat
from registry.networks import parse_networks
from registry.settings import StoreSettings


class GatewaySettings(StoreSettings):
    """Settings of the gateway; see `docs/reference/settings.md`."""

    broker_url: str = Field(
        "redis://127.0.0.1:6379/1", description="Celery's broker: another database of the same server."
    )
    log_format: LogFormat = Field("plain", description="How processes log: plain lines, or json: one object a line.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    max_upload_bytes: int = Field(64 << 30, ge=1, description="Largest checkpoint, base or calibration file.")
    max_body_bytes: int = Field(128 << 30, ge=1, description="Largest body with files, all parts together.")
    max_json_bytes: int = Field(4 << 20, ge=1, description="Largest JSON document, in a body or in a part.")
    max_header_bytes: int = Field(16 << 20, ge=1024, description="Largest safetensors header.")
    max_tensors: int = Field(50_000, ge=1, description="Most tensors in one file.")
    max_calibration_samples: int = Field(16_384, ge=1, description="Most images in one calibration file.")
    max_classes: int = Field(32_768, ge=2, description="Most classes of one task: class names, or rows of a head.")
    max_prompts: int = Field(
        200_000, ge=2, description="Most prompts of one task: its class names times its templates."
    )
    max_task_bytes: int = Field(
        1 << 20, ge=1024, description="Largest document of one task: its class names and templates as JSON."
    )
    max_page_bytes: int = Field(
        16 << 20, ge=1, description="Stored bytes after which a page of versions or merges ends."
    )
    max_queued_merges: int = Field(1000, ge=1, description="Most unfinished merges of one lineage.")
    max_state_memory_share: float = Field(
        0.9, gt=0, le=1, description="Share of the state store's maxmemory beyond which no new work is taken."
    )
    max_request_head_bytes: int = Field(
        65_536, ge=1024, description="Longest request line and headers of one request, together."
    )
    max_open_uploads: int = Field(
        64, ge=1, description="Most uploads that one owner has open at once; without keys all clients are one owner."
    )
    idle_seconds: float = Field(30.0, gt=0, description="How long a client may pause while it sends a request body.")
    reader_idle_seconds: float = Field(
        60.0, gt=0, description="How long a client may read no byte of a response before its connection is closed."
    )
    takeover_seconds: float = Field(
        20.0,
        ge=0,
        description="How long a request waits for an older one that writes to the same resumable upload to stop.",
    )
    upload_lifetime_seconds: float = Field(
        86_400.0, gt=0, description="How long a resumable upload is kept after its last byte."
    )
    shutdown_seconds: float = Field(
        10.0,
        ge=0,
        description="How long work goes on after SIGTERM; then a download is cut off, a merge left to another worker.",
    )
    idempotency_seconds: float = Field(
        86_400.0, ge=60, description="How long the answer to a request with an Idempotency-Key is kept."
    )
    idempotency_lease_seconds: float = Field(
        30.0, gt=0, description="How long a request with an Idempotency-Key is waited for once its gateway has died."
    )
    max_wait_seconds: int = Field(60, ge=0, description="Longest that `Prefer: wait=n` makes an answer wait for.")
    max_comparisons: int = Field(2, ge=0, description="Most versions that are compared with others at once.")
    max_watchers: int = Field(1000, ge=0, description="Most streams of events that a gateway serves at once.")
    max_webhook_tests: int = Field(16, ge=1, description="Most test messages to webhooks that are sent at once.")
    key_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of the watchers, comparisons and webhook tests that one key takes at most, at least one.",
    )
    events_seconds: float = Field(
        3600.0, gt=0, description="How long a stream of events stays open; the client then goes on with Last-Event-ID."
    )
    events_heartbeat_seconds: float = Field(
        15.0, gt=0, description="How long a stream of events may be silent before a comment shows that it is alive."
    )
    page_size: int = Field(
        50, ge=1, le=1000, description="Entries on a page of a listing, unless the client asks for fewer."
    )
    auth: bool = Field(
        default=False,
        description="Whether requests need an API key. Without, the gateway listens on loopback addresses only.",
    )
    allowed_hosts: str = Field(
        "", description="Further host names that a gateway without API keys responds to, separated by commas."
    )
    trusted_proxies: str = Field(
        "",
        description="Reverse proxies (addresses or networks) whose X-Forwarded-For and X-Forwarded-Proto are believed.",
    )
    key_cache_seconds: float = Field(
        1.0, ge=0, le=60, description="How long a key is remembered: a revoked one works for as long at most."
    )
    rate_limit: float = Field(
        100.0, ge=0, description="Requests per second of one key in the long run, unless it has its own limit; 0: any."
    )
    rate_burst: int = Field(400, ge=1, description="Requests of one key at once after a pause.")
    address_rate_limit: float = Field(
        0.0, ge=0, description="Requests per second of one client address where no keys are asked for; 0: any."
    )
    quota_queued_merges: int = Field(
        1000, ge=0, description="Merges of one key that have not ended, unless it has its own quota; 0: any number."
    )
    quota_upload_bytes: int = Field(
        1 << 40,
        ge=0,
        description="Bytes that one key may send in a day (UTC), unless it has its own quota; 0: any number.",
    )
    audit_entries: int = Field(
        100_000, ge=1, description="Changes that the audit log keeps, and refusals; older ones are forgotten."
    )
    webhook_http: bool = Field(default=False, description="Whether webhooks may go to http:// URLs too.")
    webhook_networks: str = Field(
        "", description="Private networks that webhooks may reach, such as `10.1.0.0/16,fd00::/8`. Others are refused."
    )
    webhooks_per_lineage: int = Field(20, ge=1, description="Webhooks that one lineage may have.")
    webhook_timeout_seconds: float = Field(10.0, gt=0, le=300, description="How long a receiver may take to answer.")
    webhook_attempts: int = Field(12, ge=1, description="How often a message is sent before it is given up.")
    webhook_retry_seconds: float = Field(
        5.0,
        gt=0,
        description="Pause after the first failed attempt; each later one is four times as long, 6 h at most.",
    )
    webhook_disable_seconds: float = Field(
        432_000.0, ge=0, description="How long nothing can be delivered to a webhook before it is disabled."
    )
    webhook_poll_seconds: float = Field(1.0, gt=0, description="How often a gateway looks for messages that are due.")

    @field_validator("webhook_networks", "trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        parse_networks(value)
        return value

    @property
    def allowed_host_names(self) -> frozenset[str]:
        """The names of ODEM_ALLOWED_HOSTS, in lower case."""
        return frozenset(name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip())
