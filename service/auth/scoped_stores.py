"""What a key that is limited to some lineages can see of the stores.

Everything else is as if it were not there: the answers are those for things that do not exist. Routes ask these views
in place of the stores, so no route can forget. A method that is missing here fails, it does not pass through.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from registry.api_key import ApiKey
from registry.blob import Blob
from registry.blobs.store import BlobStore, BlobWriter, UploadStore
from registry.errors import BlobNotFound, LineageNotFound, MergeNotFound, VersionNotFound
from registry.event import Event, Position, Present, Reached
from registry.lineage import Lineage
from registry.merge import Merge, MergeSlice, MergeState
from registry.state.interface import AsyncQueries, EventSource, StateStore
from registry.state.manifest_queries import digests_of
from registry.state.state_store import RedisApiKeys
from registry.upload import Upload
from registry.version import Version, VersionReference

_OF_A_LINEAGE = frozenset(
    {
        "list_aliases",
        "get_alias",
        "set_alias",
        "delete_alias",
        "set_pin",
        "list_pins",
        "get_retention",
        "set_retention",
        "retire",
    }
)
_Record = TypeVar("_Record", Lineage, Version)


def _discreet(record: _Record, key: ApiKey) -> _Record:
    """The record, without the name of a lineage that the key must not know of."""
    if record.origin is not None and not key.sees(VersionReference.parse(record.origin).lineage):
        return record.model_copy(update={"origin": None})
    return record


class ScopedState:
    """A StateStore as one limited key sees it, for one request.

    `revealed` gathers the blobs that its records name; `refuse` is told whenever something is kept from the key.
    """

    def __init__(self, state: StateStore, key: ApiKey, revealed: set[str], refuse: Callable[[], None]) -> None:
        self._state = state
        self._key = key
        self._refuse = refuse
        self._revealed = revealed

    def _own(self, lineage: str) -> str:
        if not self._key.sees(lineage):
            self._refuse()
            raise LineageNotFound(lineage)
        return lineage

    def _show(self, record: _Record) -> _Record:
        """The record as the key may see it; notes the blobs that it names."""
        self._revealed.update(digests_of(record.model_dump(mode="json", exclude={"report"})))
        return _discreet(record, self._key)

    def ping(self) -> None:
        self._state.ping()

    # Lineages and versions

    def create_lineage(self, lineage: Lineage, base: Version) -> Lineage:
        self._own(lineage.name)
        return self._show(self._state.create_lineage(lineage, base))

    def get_lineage(self, name: str) -> Lineage:
        return self._show(self._state.get_lineage(self._own(name)))

    def list_lineages(self) -> Sequence[Lineage]:
        return [self._show(item) for item in self._state.list_lineages() if self._key.sees(item.name)]

    def head(self, lineage: str) -> Version:
        return self._show(self._state.head(self._own(lineage)))

    def get_version(self, reference: VersionReference) -> Version:
        if not self._key.sees(reference.lineage):
            self._refuse()
            raise VersionNotFound(str(reference))
        return self._show(self._state.get_version(reference))

    def append(self, version: Version, source: int, seed: str) -> int | None:
        self._own(version.lineage)
        return self._state.append(version, source, seed)

    # Merges

    def enqueue(self, merge: Merge) -> Merge:
        self._own(merge.lineage)
        return self._state.enqueue(merge)

    def get_merge(self, merge_id: str) -> Merge:
        merge = self._state.get_merge(merge_id)
        if not self._key.sees(merge.lineage):
            self._refuse()
            raise MergeNotFound(merge_id)
        return merge

    def request_cancel(self, merge_id: str) -> Merge:
        self.get_merge(merge_id)
        return self._state.request_cancel(merge_id)

    def __getattr__(self, name: str) -> Any:
        """The methods whose first argument is a lineage, once that is known to be the key's own."""
        if name not in _OF_A_LINEAGE:
            raise AttributeError(
                f"service/auth/scoped_stores.py does not say what a limited key sees of StateStore.{name}."
            )
        method = getattr(self._state, name)

        def ask(lineage: str, *arguments: Any, **more: Any) -> Any:
            return method(self._own(lineage), *arguments, **more)

        return ask


class ScopedQueries:
    """AsyncQueries as one limited key sees them."""

    def __init__(self, reads: AsyncQueries, key: ApiKey, refuse: Callable[[], None]) -> None:
        self._reads = reads
        self._key = key
        self._refuse = refuse

    def _own(self, lineage: str) -> str:
        if not self._key.sees(lineage):
            self._refuse()
            raise LineageNotFound(lineage)
        return lineage

    async def version(self, reference: VersionReference) -> tuple[Lineage, Version]:
        if not self._key.sees(reference.lineage):
            self._refuse()
            raise VersionNotFound(str(reference))
        lineage, version = await self._reads.version(reference)
        return _discreet(lineage, self._key), _discreet(version, self._key)

    async def versions(self, lineage: str, limit: int, before: int | None = None) -> tuple[Lineage, Sequence[Version]]:
        found, versions = await self._reads.versions(self._own(lineage), limit, before)
        return _discreet(found, self._key), [_discreet(version, self._key) for version in versions]

    async def merge(self, merge_id: str) -> Merge:
        merge = await self._reads.merge(merge_id)
        if not self._key.sees(merge.lineage):
            self._refuse()
            raise MergeNotFound(merge_id)
        return merge

    async def merges(
        self,
        lineage: str,
        limit: int,
        below: int | None = None,
        states: Collection[MergeState] = (),
        task: str | None = None,
    ) -> MergeSlice:
        return await self._reads.merges(self._own(lineage), limit, below, states, task)

    async def close(self) -> None:
        """The gateway closes its own."""


class ScopedEvents:
    """An EventSource as one limited key sees it."""

    def __init__(self, events: EventSource, key: ApiKey, refuse: Callable[[], None]) -> None:
        self._events = events
        self._key = key
        self._refuse = refuse

    async def present_merge(self, merge_id: str) -> tuple[Merge, Present]:
        merge, present = await self._events.present_merge(merge_id)
        if not self._key.sees(merge.lineage):
            self._refuse()
            raise MergeNotFound(merge_id)
        return merge, present

    async def present_lineage(self, lineage: str, most: int) -> Present:
        if not self._key.sees(lineage):
            self._refuse()
            raise LineageNotFound(lineage)
        return await self._events.present_lineage(lineage, most)

    def since(self, lineage: str, after: Position, until: Position) -> AsyncIterator[Event]:
        return self._events.since(lineage if self._key.sees(lineage) else "", after, until)

    async def read(self, after: Mapping[str, Reached], wait_ms: int) -> Mapping[str, Sequence[Event]]:
        return await self._events.read({name: at for name, at in after.items() if self._key.sees(name)}, wait_ms)

    async def close(self) -> None:
        """The gateway closes its own."""


class ScopedBlobs:
    """A BlobStore as one limited key sees it.

    That is what keys of the same lineages have sent, and what the records name that this request has read.
    Sending bytes that the store has already goes as sending new ones does.
    """

    def __init__(self, blobs: BlobStore, access: RedisApiKeys, key: ApiKey, revealed: set[str]) -> None:
        self._blobs = blobs
        self._access = access
        self._key = key
        self._revealed = revealed

    def _own(self, digest: str) -> str:
        if digest not in self._revealed and not self._access.has_sent(self._key.key_scope_hash, digest):
            raise BlobNotFound(digest)
        return digest

    def create(self) -> "_NotedWriter":
        return _NotedWriter(self._blobs.create(), self._access, self._key)

    def check_room(self, size: int) -> None:
        self._blobs.check_room(size)

    def get(self, digest: str) -> Blob:
        return self._blobs.get(self._own(digest))

    def touch(self, digest: str) -> Blob:
        return self._blobs.touch(self._own(digest))

    def path(self, digest: str) -> Path:
        return self._blobs.path(self._own(digest))


class ScopedUploads:
    """An UploadStore whose blobs one limited key sees. That nobody sees another's uploads, their routes look to."""

    def __init__(self, uploads: UploadStore, access: RedisApiKeys, key: ApiKey) -> None:
        self._uploads = uploads
        self._access = access
        self._key = key

    def create(self, upload: Upload, most: int) -> Upload:
        return self._uploads.create(upload, most)

    def count(self, owner: str) -> int:
        return self._uploads.count(owner)

    def get(self, upload_id: str) -> Upload:
        return self._uploads.get(upload_id)

    def open(self, upload_id: str, offset: int, *, checkpoints: bool = True) -> "_NotedWriter":
        return _NotedWriter(self._uploads.open(upload_id, offset, checkpoints=checkpoints), self._access, self._key)

    def delete(self, upload_id: str) -> None:
        self._uploads.delete(upload_id)


class _NotedWriter:
    """A BlobWriter that remembers who has sent the bytes, before the sender learns their digest."""

    def __init__(self, writer: BlobWriter, access: RedisApiKeys, key: ApiKey) -> None:
        self._writer = writer
        self._access = access
        self._key = key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def commit(self, *arguments: Any, **more: Any) -> Blob:
        blob: Blob = self._writer.commit(*arguments, **more)
        self._access.note_blob(self._key.key_scope_hash, blob.digest)
        return blob
