"""The state store in Redis 7.2 or Valkey: one hash, list or string for each thing, one Lua script for each change.

`keys.py` has the layout. Times are the server's. Each process has one synchronous and, where it has an event loop, one
asynchronous client; the repositories share them.
"""

from collections.abc import Sequence

from registry.audit import AuditEntry
from registry.state.aliases_retention import AliasRepository, RetentionRepository
from registry.state.api_keys import ApiKeyRepository, SentBlobRepository
from registry.state.async_connection import AsyncRedisClient
from registry.state.async_queries import AsyncQueryRepository
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


class RedisStateStore(StateStore):
    """StateStore with the methods of its repositories under flat names, as `interface.StateStore` has them."""

    def __init__(self, client: RedisClient) -> None:
        super().__init__(client)
        self.create_lineage = self.lineages.create
        self.get_lineage = self.lineages.get
        self.list_lineages = self.lineages.list
        self.head = self.versions.head
        self.get_version = self.versions.get
        self.append = self.versions.append
        self.enqueue = self.merges.enqueue
        self.get_merge = self.merges.get
        self.cancel_overdue = self.merges.cancel_overdue
        self.request_cancel = self.merges.request_cancel
        self.waiting_lineages = self.claims.waiting_lineages
        self.claim = self.claims.claim
        self.renew = self.claims.renew
        self.commit = self.claims.commit
        self.end = self.claims.end
        self.list_aliases = self.aliases.list
        self.get_alias = self.aliases.get
        self.set_alias = self.aliases.set
        self.delete_alias = self.aliases.delete
        self.set_pin = self.retention.set_pin
        self.list_pins = self.retention.list_pins
        self.get_retention = self.retention.get
        self.set_retention = self.retention.set
        self.retire = self.retention.retire
        self.due_manifests = self.manifests.due_manifests
        self.lineage_manifest = self.manifests.lineage_manifest
        self.version_manifest = self.manifests.version_manifest
        self.ack_manifest = self.manifests.ack_manifest
        self.restore = self.manifests.restore
        self.needed_blobs = self.manifests.needed_blobs


class RedisApiKeys:
    """API keys, quotas, the audit log and sent blobs under flat names."""

    def __init__(self, state: StateStore) -> None:
        self.get_key = state.api_keys.get
        self.take_tokens = state.quotas.take_tokens
        self.spend_bytes = state.quotas.spend_bytes
        self.has_bytes = state.quotas.has_bytes
        self.has_merge_quota = state.quotas.has_merge_quota
        self.reserve_merge_quota = state.quotas.reserve_merge_quota
        self.note_blob = state.sent_blobs.add
        self.has_sent = state.sent_blobs.has
        self._audit = state.audit

    def note(self, entries: Sequence[AuditEntry], *, refused: bool, most: int) -> None:
        """Append to the audit log; see AuditRepository.append."""
        self._audit.append(entries, refused=refused, limit=most)


class AsyncStateStore:
    """The repositories on one asynchronous client. Belongs to one event loop."""

    def __init__(self, client: AsyncRedisClient) -> None:
        self.client = client
        self.queries = AsyncQueryRepository(client)
        self.events = EventRepository(client)

    @classmethod
    def open(cls, url: str) -> "AsyncStateStore":
        """A store with a client of its own; see AsyncRedisClient. Nothing is contacted yet."""
        return cls(AsyncRedisClient(url))

    async def close(self) -> None:
        """Close the client."""
        await self.client.close()
