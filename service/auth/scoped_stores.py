"""Stores as the caller of one request may see them.

To a key that is limited to some lineages, everything else does not exist: the responses are those for unknown names.
Routes receive these stores instead of the gateway's own, so no route can forget the check.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from registry.alias import Alias
from registry.api_key import ApiKey
from registry.blob import Blob
from registry.blobs.store import BlobStore, BlobWriter, UploadStore, UploadWriter
from registry.errors import BlobNotFound, LineageNotFound, MergeNotFound, VersionNotFound
from registry.event import Event, Position, Present, Reached
from registry.lineage import Lineage
from registry.merge import Merge, MergeSlice, MergeState
from registry.retention import Retention
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


@dataclass(frozen=True)
class ScopedAliases:
    """AliasStore for one limited key."""

    _aliases: AliasStore
    _scope: KeyScope

    def list(self, lineage: str) -> Sequence[Alias]:
        return self._aliases.list(self._scope.own(lineage))

    def get(self, lineage: str, name: str) -> Alias:
        return self._aliases.get(self._scope.own(lineage), name)

    def set(self, lineage: str, name: str, version: int, condition: str = "") -> Alias:
        return self._aliases.set(self._scope.own(lineage), name, version, condition)

    def delete(self, lineage: str, name: str, condition: str = "") -> None:
        self._aliases.delete(self._scope.own(lineage), name, condition)


@dataclass(frozen=True)
class ScopedRetention:
    """RetentionStore for one limited key."""

    _retention: RetentionStore
    _scope: KeyScope

    def set_pin(self, lineage: str, number: int, *, pinned: bool) -> None:
        self._retention.set_pin(self._scope.own(lineage), number, pinned=pinned)

    def list_pins(self, lineage: str) -> Sequence[int]:
        return self._retention.list_pins(self._scope.own(lineage))

    def get(self, lineage: str) -> Retention | None:
        return self._retention.get(self._scope.own(lineage))

    def set(self, lineage: str, rule: Retention | None) -> None:
        self._retention.set(self._scope.own(lineage), rule)

    def retire(self, lineage: str, *, preview: bool = False) -> Sequence[int]:
        return self._retention.retire(self._scope.own(lineage), preview=preview)


@dataclass(frozen=True)
class ScopedQueries:
    """AsyncQueries for one limited key."""

    _queries: AsyncQueries
    _scope: KeyScope

    async def version(self, reference: VersionReference) -> tuple[Lineage, Version]:
        lineage, version = await self._queries.version(self._scope.own_version(reference))
        return self._scope.redact(lineage), self._scope.redact(version)

    async def versions(self, lineage: str, limit: int, before: int | None = None) -> tuple[Lineage, Sequence[Version]]:
        result, versions = await self._queries.versions(self._scope.own(lineage), limit, before)
        return self._scope.redact(result), [self._scope.redact(version) for version in versions]

    async def merge(self, merge_id: str) -> Merge:
        return self._scope.own_merge(await self._queries.merge(merge_id))

    async def merges(
        self,
        lineage: str,
        limit: int,
        below: int | None = None,
        states: Collection[MergeState] = (),
        task: str | None = None,
    ) -> MergeSlice:
        return await self._queries.merges(self._scope.own(lineage), limit, below, states, task)


@dataclass(frozen=True)
class ScopedEvents:
    """EventSource for one limited key."""

    _events: EventSource
    _scope: KeyScope

    async def present_merge(self, merge_id: str) -> tuple[Merge, Present]:
        merge, present = await self._events.present_merge(merge_id)
        return self._scope.own_merge(merge), present

    async def present_lineage(self, lineage: str, limit: int) -> Present:
        return await self._events.present_lineage(self._scope.own(lineage), limit)

    def since(self, lineage: str, after: Position, until: Position) -> AsyncIterator[Event]:
        return self._events.since(self._scope.own(lineage), after, until)

    async def read(self, after: Mapping[str, Reached], wait_ms: int) -> Mapping[str, Sequence[Event]]:
        return await self._events.read({self._scope.own(name): at for name, at in after.items()}, wait_ms)


@dataclass(frozen=True)
class ScopedBlobs:
    """BlobStore for one limited key: blobs that keys of the same lineages sent, and those that `revealed` names.

    Sending bytes that the store already has goes as sending new ones does.
    """

    _blobs: BlobStore
    _sent: SentBlobRepository
    _scope: KeyScope

    def create(self) -> BlobWriter:
        return _RecordingWriter(self._blobs.create(), self._sent, self._scope.key)

    def check_room(self, size: int) -> None:
        self._blobs.check_room(size)

    def get(self, digest: str) -> Blob:
        return self._blobs.get(self._own(digest))

    def touch(self, digest: str) -> Blob:
        return self._blobs.touch(self._own(digest))

    def path(self, digest: str) -> Path:
        return self._blobs.path(self._own(digest))

    def _own(self, digest: str) -> str:
        known = digest in self._scope.revealed or self._sent.has(self._scope.key.key_scope_hash, digest)
        if not known:
            raise BlobNotFound(digest)
        return digest


@dataclass(frozen=True)
class ScopedUploads:
    """UploadStore whose blobs one limited key sees. Routes compare each upload's owner."""

    _uploads: UploadStore
    _sent: SentBlobRepository
    _key: ApiKey

    def create(self, upload: Upload, limit: int) -> Upload:
        return self._uploads.create(upload, limit)

    def count(self, owner: str) -> int:
        return self._uploads.count(owner)

    def get(self, upload_id: str) -> Upload:
        return self._uploads.get(upload_id)

    def open(self, upload_id: str, offset: int, *, checkpoints: bool = True) -> UploadWriter:
        writer = self._uploads.open(upload_id, offset, checkpoints=checkpoints)
        return _RecordingUploadWriter(writer, self._sent, self._key)

    def delete(self, upload_id: str) -> None:
        self._uploads.delete(upload_id)


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
