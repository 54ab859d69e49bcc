"""The layout of the keys.

    odem:lineages                       SET     names of all lineages
    odem:webhooks                       SET     names of lineages that have, or had, webhooks
    odem:figures                        HASH    what workers count -> how much (see registry/worker_metrics.py)
    odem:workers                        HASH    name of a worker -> what it last said of itself, as JSON
    odem:merge:<id>:lineage             STRING  the lineage of a merge
    odem:deadlines                      ZSET    <lineage>/<merge> of merges with a deadline -> when (milliseconds)
    odem:keys                           HASH    id of an API key -> ApiKey as JSON
    odem:{key:<id>}:rate                HASH    a token bucket: level, at (milliseconds)
    odem:{address:<address>}:rate       HASH    the same for a client's address
    odem:{key:<id>}:sent:<day>          STRING  bytes sent on that day (UTC)
    odem:{key:<id>}:places              ZSET    <lineage>/<merge> of merges that may not have ended -> when (seconds)
    odem:audit:changes                  STREAM  AuditEntry, one entry each: what was done
    odem:audit:refusals                 STREAM  AuditEntry: who was refused; a stream of its own, so that strangers can
                                                not push out what was done
    odem:barrier                        STRING  "", written by whoever waits until replicas have what came before
    odem:circle:<hash>:blobs            ZSET    digests that keys of the same lineages have sent -> when (seconds)
    odem:intent:<owner>:<hash>          HASH    an intent, by the sha256 of its key: seed target asked answer, and while
                                                an attempt is under way token until tried; expires

    odem:{<lineage>}:record             STRING  Lineage as JSON
    odem:{<lineage>}:versions           HASH    number -> Version as JSON
    odem:{<lineage>}:head               STRING  number of the newest version
    odem:{<lineage>}:queue              LIST    ids of merges that have not ended, in order; the first may be running
    odem:{<lineage>}:merges             LIST    ids of all merges, newest first
    odem:{<lineage>}:merge:<id>         HASH    the merge: `record` as JSON (what was asked for) and what became of it:
                                                state attempt fence cancel version progress report problem
                                                created started ended deadline (milliseconds since 1970)
    odem:{<lineage>}:claim              HASH    who runs the first merge of the queue, until when: merge, fence, expires
                                                and lease (milliseconds), token (the claim's own, see claim.lua)
    odem:{<lineage>}:served             STRING  when a merge was last claimed (milliseconds): who waits longest is next
    odem:{<lineage>}:fence              STRING  the newest fence number
    odem:{<lineage>}:events             STREAM  state changes, one entry each: merge and state, with attempt, problem or
                                                version; or version and origin of a rollback
    odem:{<lineage>}:progress           STREAM  the newest progress of the running merge, one entry: merge, progress
    odem:{<lineage>}:made:<seed>        STRING  number of the version that an intent has made; expires
    odem:{<lineage>}:aliases            HASH    name -> version, revision and updated_at as JSON
    odem:{<lineage>}:pins               SET     numbers of pinned versions
    odem:{<lineage>}:retention          STRING  Retention as JSON
    odem:{<lineage>}:retired            HASH    number of a retired version -> when (ISO 8601)
    odem:{<lineage>}:revision           STRING  rises with every change that a manifest must tell
    odem:{<lineage>}:turn               STRING  token of who writes manifests into a bucket; gone after a minute
    odem:{<lineage>}:outbox             HASH    name of a manifest that is to be written -> revision
    odem:{<lineage>}:webhooks           HASH    id -> Webhook as JSON
    odem:{<lineage>}:listening          SET     ids of webhooks that are not disabled
    odem:{<lineage>}:deliveries         ZSET    <webhook>/<merge>: of which ended merge a webhook is to be told -> when
                                                (milliseconds); written by whatever ends a merge
    odem:{<lineage>}:attempts           HASH    <webhook>/<merge> -> how often it was tried
    odem:{<lineage>}:failing            HASH    id of a webhook -> since when nothing could be delivered (milliseconds)
    odem:{<lineage>}:webhook:<id>:log   LIST    Attempt as JSON, newest first

Braces make a lineage's keys one slot of a cluster, so each script touches one slot.
"""

from dataclasses import dataclass

LINEAGES = "odem:lineages"
DEADLINES = "odem:deadlines"
WEBHOOKS = "odem:webhooks"
FIGURES = "odem:figures"
WORKERS = "odem:workers"
KEYS = "odem:keys"
CHANGES = "odem:audit:changes"
REFUSALS = "odem:audit:refusals"
BARRIER = "odem:barrier"


def merge_lineage(merge_id: str) -> str:
    """Key of a merge's lineage."""
    return f"odem:merge:{merge_id}:lineage"


def scope_blobs(key_scope_hash: str) -> str:
    """Key of what the API keys of one scope (limited to the same lineages) have sent."""
    return f"odem:circle:{key_scope_hash}:blobs"


def bucket(who: str) -> str:
    """Key of a token bucket; `who` is `key:<id>` or `address:<address>`."""
    return f"odem:{{{who}}}:rate"


def sent_bytes(key: str, day: str) -> str:
    """Key of the bytes that an API key has sent on a day."""
    return f"odem:{{key:{key}}}:sent:{day}"


def places(key: str) -> str:
    """Key of an API key's merges that may not have ended."""
    return f"odem:{{key:{key}}}:places"


def intent_key(owner: str, key_hash: str) -> str:
    """Key of an intent of an owner; "" owns those of nobody in particular."""
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
        """Ids of merges that have not ended."""
        return self._key("queue")

    @property
    def merges(self) -> str:
        """Ids of all merges, newest first."""
        return self._key("merges")

    @property
    def claim(self) -> str:
        """The running merge, its fence and its lease."""
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
        """Rises with every change that a manifest must tell."""
        return self._key("revision")

    @property
    def turn(self) -> str:
        """Who writes manifests into a bucket."""
        return self._key("turn")

    @property
    def outbox(self) -> str:
        """Manifests that are to be written."""
        return self._key("outbox")

    @property
    def webhooks(self) -> str:
        """Id -> Webhook as JSON."""
        return self._key("webhooks")

    @property
    def listening(self) -> str:
        """Ids of webhooks that are not disabled."""
        return self._key("listening")

    @property
    def deliveries(self) -> str:
        """What webhooks are to be told, and when."""
        return self._key("deliveries")

    @property
    def attempts(self) -> str:
        """How often each delivery was tried."""
        return self._key("attempts")

    @property
    def failing(self) -> str:
        """Since when nothing could be delivered to a webhook."""
        return self._key("failing")

    def made(self, seed: str) -> str:
        """Number of the version that an intent has made."""
        return self._key(f"made:{seed}")

    def merge(self, merge_id: str) -> str:
        """One merge."""
        return self._key(f"merge:{merge_id}")

    def webhook_log(self, webhook: str) -> str:
        """What came of a webhook's attempts."""
        return self._key(f"webhook:{webhook}:log")
