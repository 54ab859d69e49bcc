"""The state store in Redis 7.2 or Valkey: one hash, list or string for each thing, one Lua script for each change.

`keys.py` has the layout. Times are the server's. Each process has one synchronous and, where it has an event loop, one
asynchronous client; the repositories share them.
"""

from registry.state.aliases_retention import AliasRepository, RetentionRepository
from registry.state.api_keys import ApiKeyRepository, SentBlobRepository
from registry.state.async_connection import AsyncRedisClient
from registry.state.async_queries import PAGE_BYTES, AsyncQueryRepository
from registry.state.audit import AuditRepository
from registry.state.claims import ClaimRepository
from registry.state.connection import RedisClient
from registry.state.events import EventRepository
from registry.state.lineages import LineageRepository, VersionRepository
from registry.state.manifest_queries import ManifestRepository
from registry.state.merges import MergeRepository
from registry.state.metrics import MetricsRepository
from registry.state.quotas import QuotaRepository
from registry.state.webhooks import WebhookRepository


class StateStore:
    """The repositories on one synchronous client. Safe to share between threads."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self.lineages = LineageRepository(client)
        self.versions = VersionRepository(client)
        self.aliases = AliasRepository(client)
        self.retention = RetentionRepository(client)
        self.merges = MergeRepository(client)
        self.claims = ClaimRepository(client, self.merges)
        self.manifests = ManifestRepository(client, self)
        self.api_keys = ApiKeyRepository(client)
        self.sent_blobs = SentBlobRepository(client)
        self.quotas = QuotaRepository(client)
        self.audit = AuditRepository(client)
        self.webhooks = WebhookRepository(client)
        self.metrics = MetricsRepository(client)

    @classmethod
    def open(cls, url: str, timeout: float = 10.0) -> "StateStore":
        """A store with a client of its own; see RedisClient. Nothing is contacted yet."""
        return cls(RedisClient(url, timeout))

    def ping(self) -> None:
        """Return if the server replies. Raises StoreUnavailable."""
        self._client.ping()

    def close(self) -> None:
        """Close the client."""
        self._client.close()


class AsyncStateStore:
    """The repositories on one asynchronous client. Belongs to one event loop."""

    def __init__(self, client: AsyncRedisClient, page_bytes: int = PAGE_BYTES) -> None:
        self.client = client
        self.queries = AsyncQueryRepository(client, page_bytes)
        self.events = EventRepository(client)

    @classmethod
    def open(cls, url: str, page_bytes: int = PAGE_BYTES) -> "AsyncStateStore":
        """A store with a client of its own; see AsyncRedisClient. Nothing is contacted yet.

        page_bytes: see AsyncQueryRepository.
        """
        return cls(AsyncRedisClient(url), page_bytes)

    async def close(self) -> None:
        """Close the client."""
        await self.client.close()
