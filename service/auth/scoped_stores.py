"""Stores as the caller of one request may see them.

To a key that is limited to some lineages, everything else does not exist: the responses are those for unknown names.
Routes receive these stores instead of the gateway's own, so no route can forget the check.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from registry.api_key import ApiKey
from registry.blob import Blob
from registry.blobs.store import BlobStore, BlobWriter, UploadStore, UploadWriter
from registry.errors import BlobNotFound, LineageNotFound, MergeNotFound, VersionNotFound
from registry.event import Event, Present, Reached
from registry.lineage import Lineage
from registry.merge import Merge
from registry.state.api_keys import SentBlobRepository
from registry.state.interface import (
    AliasStore,
    AsyncQueries,
    EventSource,
    LineageStore,
    MergeStore,
    RetentionStore,
    VersionStore,
)
from registry.state.manifest_queries import digests_of
from registry.upload import Upload
from registry.version import Version, VersionReference
from service.auth.api_keys import ANYBODY, Caller
from service.auth.request_state import RequestState

_Record = TypeVar("_Record", Lineage, Version)
Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Stores:
    """The gateway's stores, as `caller` may see them."""

    lineages: LineageStore
    versions: VersionStore
    merges: MergeStore
    aliases: AliasStore
    retention: RetentionStore
    queries: AsyncQueries
    events: EventSource
    blobs: BlobStore
    uploads: UploadStore
    sent_blobs: SentBlobRepository
    caller: Caller = ANYBODY

    def scoped_to(self, request: RequestState) -> "Stores":
        """The stores for one request."""
        key = request.caller.key
        if key is None or key.lineages is None:
            return replace(self, caller=request.caller)
        scope = KeyScope(key, request.refuse)
        return Stores(
            lineages=ScopedLineages(self.lineages, scope),
            versions=ScopedVersions(self.versions, scope),
            merges=ScopedMerges(self.merges, scope),
            aliases=ScopedAliases(self.aliases, scope),
            retention=ScopedRetention(self.retention, scope),
            queries=ScopedQueries(self.queries, scope),
            events=ScopedEvents(self.events, scope),
            blobs=ScopedBlobs(self.blobs, self.sent_blobs, scope),
            uploads=ScopedUploads(self.uploads, self.sent_blobs, key),
            sent_blobs=self.sent_blobs,
            caller=request.caller,
        )


@dataclass(frozen=True)
class KeyScope:
    """The lineages of one limited key, for one request.

    refuse: called whenever something is hidden from the key. revealed: the blobs named by the records that it has read.
    """

    key: ApiKey
    refuse: Callable[[], None]
    revealed: set[str] = field(default_factory=set)

    def own(self, lineage: str) -> str:
        """Raises LineageNotFound for a lineage of others."""
        if not self.key.sees(lineage):
            self.refuse()
            raise LineageNotFound(lineage)
        return lineage

    def own_version(self, reference: VersionReference) -> VersionReference:
        """Raises VersionNotFound for a version of others."""
        if not self.key.sees(reference.lineage):
            self.refuse()
            raise VersionNotFound(str(reference))
        return reference

    def own_merge(self, merge: Merge) -> Merge:
        """Raises MergeNotFound for a merge of others."""
        if not self.key.sees(merge.lineage):
            self.refuse()
            raise MergeNotFound(merge.id)
        return merge

    def redact(self, record: _Record) -> _Record:
        """The record, without the names of others' lineages as its origin or in its provenance."""
        if self._hides(record.origin):
            record = record.model_copy(update={"origin": None})
        if isinstance(record, Version) and record.provenance is not None and self._hides(record.provenance.joined):
            provenance = record.provenance.model_copy(update={"joined": ""})
            record = record.model_copy(update={"provenance": provenance})
        return record

    def _hides(self, reference: str | None) -> bool:
        """Whether a version belongs to a lineage of others."""
        return bool(reference) and not self.key.sees(VersionReference.parse(str(reference)).lineage)

    def reveal(self, record: _Record) -> _Record:
        """The redacted record; from here on the request may read the blobs that it names."""
        self.revealed.update(digests_of(record.model_dump(mode="json", exclude={"report"})))
        return self.redact(record)


def _guarded(check: Callable[[str], object], method: Method) -> Method:
    """A store's method that first calls `check` with its first argument, the name of what it reads or changes."""

    def checked(name: Any, *args: Any, **options: Any) -> Any:
        check(name)
        return method(name, *args, **options)

    return cast("Method", checked)


@dataclass(frozen=True)
class ScopedLineages:
    """LineageStore for one limited key."""

    _lineages: LineageStore
    _scope: KeyScope

    def create(self, lineage: Lineage, base: Version) -> Lineage:
        self._scope.own(lineage.name)
        return self._scope.reveal(self._lineages.create(lineage, base))

    def get(self, name: str) -> Lineage:
        return self._scope.reveal(self._lineages.get(self._scope.own(name)))

    def list(self) -> Sequence[Lineage]:
        return [self._scope.reveal(item) for item in self._lineages.list() if self._scope.key.sees(item.name)]


@dataclass(frozen=True)
class ScopedVersions:
    """VersionStore for one limited key."""

    _versions: VersionStore
    _scope: KeyScope

    def head(self, lineage: str) -> Version:
        return self._scope.reveal(self._versions.head(self._scope.own(lineage)))

    def get(self, reference: VersionReference) -> Version:
        return self._scope.reveal(self._versions.get(self._scope.own_version(reference)))

    def append(self, version: Version, source: int, seed: str) -> int | None:
        self._scope.own(version.lineage)
        return self._versions.append(version, source, seed)


@dataclass(frozen=True)
class ScopedMerges:
    """MergeStore for one limited key."""

    _merges: MergeStore
    _scope: KeyScope

    def enqueue(self, merge: Merge, limit: int = 0) -> Merge:
        self._scope.own(merge.lineage)
        return self._merges.enqueue(merge, limit)

    def get(self, merge_id: str) -> Merge:
        return self._scope.own_merge(self._merges.get(merge_id))

    def request_cancel(self, merge_id: str) -> Merge:
        self.get(merge_id)
        return self._merges.request_cancel(merge_id)


class ScopedAliases:
    """AliasStore for one limited key."""

    def __init__(self, aliases: AliasStore, scope: KeyScope) -> None:
        self.list = _guarded(scope.own, aliases.list)
        self.get = _guarded(scope.own, aliases.get)
        self.set = _guarded(scope.own, aliases.set)
        self.delete = _guarded(scope.own, aliases.delete)


class ScopedRetention:
    """RetentionStore for one limited key."""

    def __init__(self, retention: RetentionStore, scope: KeyScope) -> None:
        self.set_pin = _guarded(scope.own, retention.set_pin)
        self.list_pins = _guarded(scope.own, retention.list_pins)
        self.get = _guarded(scope.own, retention.get)
        self.set = _guarded(scope.own, retention.set)
        self.retire = _guarded(scope.own, retention.retire)


class ScopedQueries:
    """AsyncQueries for one limited key."""

    def __init__(self, queries: AsyncQueries, scope: KeyScope) -> None:
        self._queries = queries
        self._scope = scope
        self.merges = _guarded(scope.own, queries.merges)

    async def version(self, reference: VersionReference) -> tuple[Lineage, Version]:
        lineage, version = await self._queries.version(self._scope.own_version(reference))
        return self._scope.redact(lineage), self._scope.redact(version)

    async def versions(self, lineage: str, limit: int, before: int | None = None) -> tuple[Lineage, Sequence[Version]]:
        result, versions = await self._queries.versions(self._scope.own(lineage), limit, before)
        return self._scope.redact(result), [self._scope.redact(version) for version in versions]

    async def merge(self, merge_id: str) -> Merge:
        return self._scope.own_merge(await self._queries.merge(merge_id))


class ScopedEvents:
    """EventSource for one limited key."""

    def __init__(self, events: EventSource, scope: KeyScope) -> None:
        self._events = events
        self._scope = scope
        self.present_lineage = _guarded(scope.own, events.present_lineage)
        self.since = _guarded(scope.own, events.since)

    async def present_merge(self, merge_id: str) -> tuple[Merge, Present]:
        merge, present = await self._events.present_merge(merge_id)
        return self._scope.own_merge(merge), present

    async def read(self, after: Mapping[str, Reached], wait_ms: int) -> Mapping[str, Sequence[Event]]:
        return await self._events.read({self._scope.own(name): at for name, at in after.items()}, wait_ms)


class ScopedBlobs:
    """BlobStore for one limited key: blobs that keys of the same lineages sent, and those that `revealed` names.

    Sending bytes that the store already has goes as sending new ones does.
    """

    def __init__(self, blobs: BlobStore, sent: SentBlobRepository, scope: KeyScope) -> None:
        self._blobs = blobs
        self._sent = sent
        self._scope = scope
        self.check_room = blobs.check_room
        self.get = _guarded(self._check, blobs.get)
        self.touch = _guarded(self._check, blobs.touch)
        self.path = _guarded(self._check, blobs.path)

    def create(self) -> BlobWriter:
        return _RecordingWriter(self._blobs.create(), self._sent, self._scope.key)

    def _check(self, digest: str) -> None:
        if digest not in self._scope.revealed and not self._sent.has(self._scope.key.key_scope_hash, digest):
            raise BlobNotFound(digest)


class ScopedUploads:
    """UploadStore whose blobs one limited key sees. Routes compare each upload's owner."""

    def __init__(self, uploads: UploadStore, sent: SentBlobRepository, key: ApiKey) -> None:
        self._uploads = uploads
        self._sent = sent
        self._key = key
        self.create = uploads.create
        self.count = uploads.count
        self.get = uploads.get
        self.delete = uploads.delete

    def open(self, upload_id: str, offset: int, *, checkpoints: bool = True) -> UploadWriter:
        writer = self._uploads.open(upload_id, offset, checkpoints=checkpoints)
        return _RecordingUploadWriter(writer, self._sent, self._key)


class _RecordingWriter:
    """A BlobWriter that records who sent the bytes before the sender learns their digest."""

    def __init__(self, writer: BlobWriter, sent: SentBlobRepository, key: ApiKey) -> None:
        self._writer = writer
        self._sent = sent
        self._key = key
        self.reserve = writer.reserve
        self.write = writer.write
        self.read = writer.read
        self.abort = writer.abort

    @property
    def written(self) -> int:
        return self._writer.written

    def commit(self, expected: str | None = None) -> Blob:
        blob = self._writer.commit(expected)
        self._sent.add(self._key.key_scope_hash, blob.digest)
        return blob


class _RecordingUploadWriter(_RecordingWriter):
    """An UploadWriter that does the same."""

    def __init__(self, writer: UploadWriter, sent: SentBlobRepository, key: ApiKey) -> None:
        super().__init__(writer, sent, key)
        self._upload = writer
        self.pause = writer.pause
        self.rewind = writer.rewind

    @property
    def upload(self) -> Upload:
        return self._upload.upload
