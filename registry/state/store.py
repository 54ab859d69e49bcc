"""What every state store can do. `registry/state/redis.py` keeps state in Redis or Valkey."""

from collections.abc import Sequence
from typing import Any, Protocol

from registry.lineage import Lineage
from registry.merge import Claim, Merge, MergeProblem, MergeState, Progress
from registry.version import Version, VersionReference


class StateStore(Protocol):
    """Lineages, versions and merges. Each change happens whole or not at all; any method may raise StoreUnavailable."""

    def ping(self) -> None:
        """Return when the store answers."""

    def create_lineage(self, lineage: Lineage, base: Version) -> Lineage:
        """Store a lineage with its version 0; the same lineage again is no error. Raises LineageExists."""

    def get_lineage(self, name: str) -> Lineage:
        """Raises LineageNotFound."""

    def list_lineages(self) -> Sequence[Lineage]:
        """All lineages, by name."""

    def head(self, lineage: str) -> Version:
        """The newest version. Raises LineageNotFound."""

    def get_version(self, reference: VersionReference) -> Version:
        """Raises VersionNotFound."""

    def list_versions(self, lineage: str, limit: int, before: int | None = None) -> Sequence[Version]:
        """Newest first, with numbers below `before`. Raises LineageNotFound."""

    def enqueue(self, merge: Merge) -> Merge:
        """Store a merge and put it at the end of its lineage's queue. Raises LineageNotFound."""

    def get_merge(self, merge_id: str) -> Merge:
        """Raises MergeNotFound."""

    def list_merges(self, lineage: str, limit: int, offset: int = 0) -> Sequence[Merge]:
        """Newest first. Raises LineageNotFound."""

    def request_cancel(self, merge_id: str) -> Merge:
        """Cancel a queued merge at once, or ask a running one to stop. Raises MergeNotFound, MergeEnded."""

    def waiting_lineages(self) -> Sequence[str]:
        """Lineages with merges to run and no worker that holds a live lease."""

    def claim(self, lineage: str, lease_ms: int, max_attempts: int) -> Claim | None:
        """Take the lineage's first merge: raises the fence and hands out a lease.

        None when the queue is empty or another worker's lease is alive. A merge whose lease has expired is taken
        over; after `max_attempts` claims it fails instead and the next one is taken.
        """

    def renew(self, claim: Claim, lease_ms: int, progress: Progress | None) -> bool:
        """Extend the lease and store progress; True when a cancel was requested. Raises LeaseLost."""

    def commit(self, claim: Claim, version: Version) -> int:
        """Add the version, end the merge as succeeded and free the lineage, all at once. Returns the version's number.

        Committing a merge that has succeeded answers with the version that it has. Raises LeaseLost when the fence is
        not the newest, head is no longer the version's parent, or the merge was cancelled.
        """

    def end(
        self,
        claim: Claim,
        state: MergeState,
        problem: MergeProblem | None,
        report: dict[str, Any] | None = None,
    ) -> None:
        """End a merge without a version (failed or cancelled) and free the lineage. Raises LeaseLost."""
