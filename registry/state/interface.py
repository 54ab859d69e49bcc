"""Contracts of the state store's repositories. `registry/state/state_store.py` keeps state in Redis or Valkey.

Each change happens completely or not at all. Any method may raise StoreUnavailable.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Protocol

from registry.alias import Alias
from registry.event import Event, Position, Present, Reached
from registry.idempotency_key import IdempotencyRecord, StoredResponse
from registry.lineage import Lineage
from registry.manifest import LineageManifest, ManifestSource, VersionManifest
from registry.merge import Claim, Merge, MergeProblem, MergeSlice, MergeState, Progress
from registry.retention import Retention
from registry.version import Version, VersionReference


class LineageStore(Protocol):
    """Lineages."""

    def create(self, lineage: Lineage, base: Version) -> Lineage:
        """Store a lineage with its version 0. Storing the same lineage again is no error. Raises LineageExists."""

    def get(self, name: str) -> Lineage:
        """Raises LineageNotFound."""

    def list(self) -> Sequence[Lineage]:
        """All lineages, by name."""


class VersionStore(Protocol):
    """Versions."""

    def head(self, lineage: str) -> Version:
        """The newest version. Raises LineageNotFound."""

    def get(self, reference: VersionReference) -> Version:
        """The version with this number or alias, or the newest one (`latest`). Raises VersionNotFound."""

    def append(self, version: Version, source: int, seed: str) -> int | None:
        """Add a version that repeats version `source` of its lineage, and return its number.

        None, and nothing is stored, if head is not the version before it. Within seven days the same seed adds nothing
        again and returns the number of the version that it added. Raises VersionRetired.
        """


class MergeStore(Protocol):
    """Merges, as clients use them."""

    def enqueue(self, merge: Merge, limit: int = 0) -> Merge:
        """Store a merge and append it to its lineage's queue. The same id again changes nothing.

        limit: maximum number of unfinished merges of the lineage; 0: any. Returns the stored merge. Raises
        LineageNotFound, QuotaExceeded.
        """

    def get(self, merge_id: str) -> Merge:
        """Raises MergeNotFound."""

    def request_cancel(self, merge_id: str) -> Merge:
        """Cancel a queued merge at once, or tell a running one to stop. Raises MergeNotFound, MergeEnded."""


class ClaimStore(Protocol):
    """Merges, as workers run them."""

    def waiting_lineages(self) -> Sequence[str]:
        """Lineages with queued merges and no live lease, the longest unserved first."""

    def claim(self, lineage: str, lease_ms: int, max_attempts: int) -> Claim | None:
        """Claim the first merge of a lineage's queue: raises the fence and grants a lease.

        None if the queue is empty or another worker's lease is alive. A merge whose lease has expired is taken over;
        after `max_attempts` claims it fails instead, and the next one is claimed.
        """

    def renew(self, claim: Claim, lease_ms: int, progress: Progress | None) -> bool:
        """Extend the lease and store progress; True if the merge is to be cancelled. Raises LeaseLost."""

    def commit(self, claim: Claim, version: Version) -> int:
        """Add the version, end the merge as succeeded and release the lineage, atomically. Returns the number.

        The same commit again returns the number of the existing version. Raises LeaseLost if the fence is not the
        newest (nothing changed), the merge was cancelled (it has ended so), or head is no longer the version's parent
        (the merge is queued again at its old position, and the attempt does not count).
        """

    def end(
        self,
        claim: Claim,
        state: MergeState,
        problem: MergeProblem | None,
        report: dict[str, Any] | None = None,
    ) -> None:
        """End a merge without a version and release the lineage. Raises LeaseLost."""


class AliasStore(Protocol):
    """Aliases of versions."""

    def list(self, lineage: str) -> Sequence[Alias]:
        """By name; empty for a lineage that does not exist."""

    def get(self, lineage: str, name: str) -> Alias:
        """Raises AliasNotFound."""

    def set(self, lineage: str, name: str, version: int, condition: str = "") -> Alias:
        """Point an alias at a version.

        condition: "" for none, "*" if the alias must exist, "-" if it must not, else the revision that it must have.
        Raises AliasChanged if the condition does not hold, VersionNotFound, VersionRetired.
        """

    def delete(self, lineage: str, name: str, condition: str = "") -> None:
        """Raises AliasNotFound, AliasChanged."""


class RetentionStore(Protocol):
    """Pinned versions, retention rules and retirement."""

    def set_pin(self, lineage: str, number: int, *, pinned: bool) -> None:
        """Exempt a version from retention, or end that. Raises VersionNotFound, VersionRetired."""

    def list_pins(self, lineage: str) -> Sequence[int]:
        """Numbers of pinned versions, in order."""

    def get(self, lineage: str) -> Retention | None:
        """The lineage's rule; None keeps every version."""

    def set(self, lineage: str, rule: Retention | None) -> None:
        """Set the rule without retiring anything yet. Raises LineageNotFound."""

    def retire(self, lineage: str, *, preview: bool = False) -> Sequence[int]:
        """Retire the versions that the rule does not keep, and return their numbers; `preview` changes nothing.

        Head, the base, pinned versions and those with an alias are always kept. Raises LineageNotFound.
        """


class LedgerStore(ManifestSource, Protocol):
    """The ledger as a whole."""

    def restore(self, manifest: LineageManifest, versions: Sequence[VersionManifest]) -> bool:
        """Restore a lineage, completely or not at all, from its manifests: its versions from 0 on without a gap.

        False if a lineage of this name exists, which is then left unchanged.
        """

    def needed_blobs(self) -> Mapping[str, str]:
        """Digest of every blob that the ledger needs -> what needs it.

        These are the bases, the weights and memories of versions that are not retired, and the inputs of unfinished
        merges.
        """


class AsyncQueries(Protocol):
    """Frequent reads from the event loop."""

    async def version(self, reference: VersionReference) -> tuple[Lineage, Version]:
        """The version with this number or alias, or the newest one, with its lineage. Raises VersionNotFound."""

    async def versions(self, lineage: str, limit: int, before: int | None = None) -> tuple[Lineage, Sequence[Version]]:
        """A lineage, and its versions with numbers below `before`, newest first. Raises LineageNotFound."""

    async def merge(self, merge_id: str) -> Merge:
        """Raises MergeNotFound."""

    async def merges(
        self,
        lineage: str,
        limit: int,
        below: int | None = None,
        states: Collection[MergeState] = (),
        task: str | None = None,
    ) -> MergeSlice:
        """At most `limit` of a lineage's merges, newest first, below a position, without their reports.

        states, task: only merges in one of these states, of this task. At most 2000 merges are read: a slice may have
        fewer than `limit`, even none, and still have a rest. Raises LineageNotFound.
        """


class IdempotencyStore(Protocol):
    """Idempotency keys.

    lease: seconds after which an attempt that is not renewed may be taken over.
    owner: who chose the key. token: one attempt's own; the same call with the same token again changes nothing more.
    """

    lease: float

    async def begin(self, owner: str, key: str, token: str, target: str) -> IdempotencyRecord:
        """Begin an attempt at `target`, or find the stored response. An interrupted attempt is taken over.

        Raises IdempotencyKeyBusy while another attempt is in progress, IdempotencyKeyReused if the key was used for
        another target.
        """

    async def bind_fingerprint(self, owner: str, key: str, token: str, fingerprint: Mapping[str, str]) -> None:
        """Store what the request contains, by name, before the attempt makes anything.

        Raises IdempotencyKeyReused if an earlier attempt contained something else, IdempotencyKeyBusy if another one
        took over.
        """

    async def renew(self, owner: str, key: str, token: str) -> bool:
        """Renew the attempt's lease; False if another attempt took over."""

    async def finish(self, owner: str, key: str, token: str, response: StoredResponse) -> None:
        """Store the response. Does nothing if another attempt took over."""

    async def give_up(self, owner: str, key: str, token: str, *, made_nothing: bool) -> None:
        """Release the key for another attempt; delete it if this was the first one and certainly made nothing."""


class EventSource(Protocol):
    """Events and snapshots of lineages, read from the event loop."""

    async def present_merge(self, merge_id: str) -> tuple[Merge, Present]:
        """A merge and a snapshot of its lineage, consistent with each other. Raises MergeNotFound."""

    async def present_lineage(self, lineage: str, limit: int) -> Present:
        """A snapshot of a lineage with its first `limit` unfinished merges. Raises LineageNotFound."""

    def since(self, lineage: str, after: Position, until: Position) -> AsyncIterator[Event]:
        """The state changes after one position, up to and including another."""

    async def read(self, after: Mapping[str, Reached], wait_ms: int) -> Mapping[str, Sequence[Event]]:
        """Events of these lineages after these positions, waiting at most `wait_ms` for them. Progress comes first."""
