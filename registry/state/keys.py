"""The key layout.

    odem:lineages                       SET     names of all lineages
    odem:webhooks                       SET     names of lineages that have, or had, webhooks
    odem:figures                        HASH    counters of the workers (see registry/worker_metrics.py)
    odem:workers                        HASH    name of a worker -> its last report as JSON
    odem:merge:<id>:lineage             STRING  the lineage of a merge
    odem:deadlines                      ZSET    <lineage>/<merge> of merges with a deadline -> when (milliseconds)
    odem:keys                           HASH    id of an API key -> ApiKey as JSON
    odem:{key:<id>}:rate                HASH    a token bucket: level, at (milliseconds)
    odem:{address:<address>}:rate       HASH    the same for a client's address
    odem:{key:<id>}:sent:<day>          STRING  bytes sent on that day (UTC)
    odem:{key:<id>}:places              ZSET    <lineage>/<merge> of merges that may be unfinished -> when (seconds)
    odem:audit:changes                  STREAM  AuditEntry, one entry per change
    odem:audit:refusals                 STREAM  AuditEntry, one entry per refused request; a separate stream, so that
                                                strangers cannot push out the changes
    odem:barrier                        STRING  "", written to wait until replicas have what was written before it
    odem:circle:<hash>:blobs            ZSET    digests that keys of the same lineages have sent -> when (seconds)
    odem:intent:<owner>:<hash>          HASH    an idempotency key, by its sha256: seed target asked (the fingerprint)
                                                answer (the response), and during an attempt token until tried; expires

    odem:{<lineage>}:record             STRING  Lineage as JSON
    odem:{<lineage>}:versions           HASH    number -> Version as JSON
    odem:{<lineage>}:head               STRING  number of the newest version
    odem:{<lineage>}:queue              LIST    ids of unfinished merges, in order; the first may be running
    odem:{<lineage>}:merges             LIST    ids of all merges, newest first
    odem:{<lineage>}:merge:<id>         HASH    a merge: `record` as JSON (the request) and its state: state attempt
                                                fence cancel version progress report problem, created started ended
                                                deadline (milliseconds since 1970)
    odem:{<lineage>}:claim              HASH    the claim on the first merge of the queue: merge, fence, expires and
                                                lease (milliseconds), token (see claim.lua), and outcome where the
                                                claim is only for ending the merge
    odem:{<lineage>}:served             STRING  when a merge was last claimed (milliseconds): the longest unserved
                                                is next
    odem:{<lineage>}:fence              STRING  the newest fence number
    odem:{<lineage>}:events             STREAM  state changes, one entry each: merge and state, with attempt, problem or
                                                version; or version and origin of a rollback
    odem:{<lineage>}:progress           STREAM  the newest progress of the running merge, one entry: merge, progress
    odem:{<lineage>}:made:<seed>        STRING  number of the version that a request with this seed made; expires
    odem:{<lineage>}:aliases            HASH    name -> version, revision and updated_at as JSON
    odem:{<lineage>}:pins               SET     numbers of pinned versions
    odem:{<lineage>}:retention          STRING  Retention as JSON
    odem:{<lineage>}:retired            HASH    number of a retired version -> when (ISO 8601)
    odem:{<lineage>}:revision           STRING  rises with every change that a manifest records
    odem:{<lineage>}:turn               STRING  token of the process that writes manifests to a bucket; expires after a
                                                minute
    odem:{<lineage>}:outbox             HASH    name of a manifest that is to be written -> revision
    odem:{<lineage>}:webhooks           HASH    id -> Webhook as JSON
    odem:{<lineage>}:listening          SET     ids of webhooks that are enabled
    odem:{<lineage>}:deliveries         ZSET    <webhook>/<merge> of deliveries -> when they are due (milliseconds);
                                                written by finish_merge.lua
    odem:{<lineage>}:attempts           HASH    <webhook>/<merge> -> number of attempts
    odem:{<lineage>}:failing            HASH    id of a webhook -> since when every delivery failed (milliseconds)
    odem:{<lineage>}:webhook:<id>:log   LIST    Attempt as JSON, newest first

Braces put a lineage's keys into one slot of a cluster, so each script touches one slot.
"""

from dataclasses import dataclass

LINEAGES = "odem:lineages"
DEADLINES = "odem:deadlines"
WEBHOOKS = "odem:webhooks"
METRICS = "odem:figures"
WORKERS = "odem:workers"
KEYS = "odem:keys"
CHANGES = "odem:audit:changes"
REFUSALS = "odem:audit:refusals"
BARRIER = "odem:barrier"


def merge_lineage(merge_id: str) -> str:
    """Key of a merge's lineage."""
    return f"odem:merge:{merge_id}:lineage"


def scope_blobs(key_scope_hash: str) -> str:
    """Key of the blobs that API keys of one scope (limited to the same lineages) have sent."""
    return f"odem:circle:{key_scope_hash}:blobs"


def rate_bucket(bucket: str) -> str:
    """Key of a token bucket; `bucket` is `key:<id>` or `address:<address>`."""
    return f"odem:{{{bucket}}}:rate"


def sent_bytes(key: str, day: str) -> str:
    """Key of the bytes that an API key has sent on a day."""
    return f"odem:{{key:{key}}}:sent:{day}"


def reserved_merges(key: str) -> str:
    """Key of an API key's merges that may be unfinished."""
    return f"odem:{{key:{key}}}:places"


def idempotency_key(owner: str, key_hash: str) -> str:
    """Key of an owner's idempotency key, by the key's sha256; the owner of requests without an API key is ""."""
    return f"odem:intent:{owner}:{key_hash}"


@dataclass(frozen=True)
class LineageKeys:
    """The keys of one lineage."""

    name: str

    def _key(self, rest: str) -> str:
        return f"odem:{{{self.name}}}:{rest}"

    @property
    def record(self) -> str:
        """Lineage as JSON."""
        return self._key("record")

    @property
    def versions(self) -> str:
        """Number -> Version as JSON."""
        return self._key("versions")

    @property
    def head(self) -> str:
        """Number of the newest version."""
        return self._key("head")

    @property
    def queue(self) -> str:
        """Ids of unfinished merges."""
        return self._key("queue")

    @property
    def merges(self) -> str:
        """Ids of all merges, newest first."""
        return self._key("merges")

    @property
    def claim(self) -> str:
        """The claim on the first merge of the queue."""
        return self._key("claim")

    @property
    def served(self) -> str:
        """When a merge was last claimed."""
        return self._key("served")

    @property
    def fence(self) -> str:
        """The newest fence number."""
        return self._key("fence")

    @property
    def events(self) -> str:
        """Stream of state changes."""
        return self._key("events")

    @property
    def progress(self) -> str:
        """Stream of one entry: the newest progress."""
        return self._key("progress")

    @property
    def aliases(self) -> str:
        """Name -> alias as JSON."""
        return self._key("aliases")

    @property
    def pins(self) -> str:
        """Numbers of pinned versions."""
        return self._key("pins")

    @property
    def retention(self) -> str:
        """Retention as JSON."""
        return self._key("retention")

    @property
    def retired(self) -> str:
        """Number -> when the version was retired."""
        return self._key("retired")

    @property
    def revision(self) -> str:
        """Rises with every change that a manifest records."""
        return self._key("revision")

    @property
    def manifest_lock(self) -> str:
        """Token of the process that writes manifests to a bucket."""
        return self._key("turn")

    @property
    def pending_manifests(self) -> str:
        """Manifests that are to be written."""
        return self._key("outbox")

    @property
    def webhooks(self) -> str:
        """Id -> Webhook as JSON."""
        return self._key("webhooks")

    @property
    def listening(self) -> str:
        """Ids of webhooks that are enabled."""
        return self._key("listening")

    @property
    def deliveries(self) -> str:
        """Deliveries and when they are due."""
        return self._key("deliveries")

    @property
    def attempts(self) -> str:
        """Number of attempts of each delivery."""
        return self._key("attempts")

    @property
    def failing(self) -> str:
        """Since when every delivery to a webhook has failed."""
        return self._key("failing")

    def made_version(self, seed: str) -> str:
        """Number of the version that a request with this idempotency seed made."""
        return self._key(f"made:{seed}")

    def merge(self, merge_id: str) -> str:
        """One merge."""
        return self._key(f"merge:{merge_id}")

    def webhook_log(self, webhook: str) -> str:
        """A webhook's delivery attempts."""
        return self._key(f"webhook:{webhook}:log")
