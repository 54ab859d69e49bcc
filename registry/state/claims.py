"""Merges in Redis or Valkey, as workers run them: claim, renew, commit, end."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from registry.errors import LeaseLost
from registry.merge import Claim, MergeProblem, MergeState, Progress
from registry.state.connection import RedisClient
from registry.state.keys import LINEAGES, LineageKeys
from registry.state.merges import MergeRepository, finish_merge
from registry.version import Version

_NOT_COMMITTED = {
    "stale": "its fence is no longer the newest",
    "moved": "head has moved, so it is queued again",
    "cancelled": "it was cancelled, and has ended",
}


class ClaimRepository:
    """See ClaimStore."""

    def __init__(self, client: RedisClient, merges: MergeRepository) -> None:
        self._client = client
        self._merges = merges

    def waiting_lineages(self) -> Sequence[str]:
        """Lineages with queued merges and no live lease, the longest unserved first."""
        names = sorted(self._client.call(lambda server: server.smembers(LINEAGES)))

        def read(server: Any) -> list[Any]:
            pipeline = server.pipeline(transaction=False)
            self._client.queue_time(pipeline)
            for name in names:
                keys = LineageKeys(name)
                pipeline.llen(keys.queue)
                pipeline.hmget(keys.claim, "expires", "lease")
                pipeline.get(keys.served)
            replies: list[Any] = pipeline.execute()
            return replies

        (seconds, microseconds), *result = self._client.call(read)
        now = int(seconds) * 1000 + int(microseconds) // 1000
        rows = zip(names, result[::3], result[1::3], result[2::3], strict=True)
        waiting = [(int(served or 0), name) for name, length, lease, served in rows if length and not _live(lease, now)]
        return [name for _, name in sorted(waiting)]

    def claim(self, lineage: str, lease_ms: int, max_attempts: int) -> Claim | None:
        """Claim the first merge of a lineage's queue; see ClaimStore.claim."""
        keys = LineageKeys(lineage)
        # Should the reply be lost and the script run again, it recognises its own claim by this token.
        token = secrets.token_hex(8)
        while True:
            merge_id = self._client.call(lambda server: server.lindex(keys.queue, 0))
            if merge_id is None:
                return None
            names = [keys.queue, keys.claim, keys.fence, keys.merge(merge_id), keys.events, keys.served]
            status, *rest = self._client.run("claim", names, [merge_id, lease_ms, max_attempts, token])
            if status == "busy":
                return None
            if status == "claimed":
                return Claim(merge=self._merges.get(merge_id), fence=rest[0])
            if status == "over":
                fence, outcome, attempts = rest
                problem = _workers_lost(attempts) if outcome == MergeState.FAILED else None
                finish_merge(self._client, lineage, merge_id, fence, MergeState(outcome), problem=problem)
                token = secrets.token_hex(8)

    def renew(self, claim: Claim, lease_ms: int, progress: Progress | None) -> bool:
        """Extend the lease and store progress; True if the merge is to be cancelled. Raises LeaseLost."""
        keys = LineageKeys(claim.merge.lineage)
        text = progress.model_dump_json() if progress else ""
        names = [keys.claim, keys.merge(claim.merge.id), keys.progress]
        status = self._client.run("renew", names, [claim.fence, lease_ms, text, claim.merge.id])
        if status == "lost":
            raise LeaseLost(f"The lease of {claim.merge.id} with fence {claim.fence} is no longer the newest.")
        return bool(status == "cancel")

    def commit(self, claim: Claim, version: Version) -> int:
        """Add the version and end the merge as succeeded, atomically; see ClaimStore.commit."""
        merge = claim.merge
        status, *number = finish_merge(
            self._client,
            merge.lineage,
            merge.id,
            claim.fence,
            MergeState.SUCCEEDED,
            report=_dump(version.report),
            parent=version.number - 1,
            version=version.model_dump_json(),
        )
        if status != "ended":
            raise LeaseLost(f"The merge {merge.id} was not committed: {_NOT_COMMITTED[status]}.")
        return int(number[0])

    def end(
        self,
        claim: Claim,
        state: MergeState,
        problem: MergeProblem | None,
        report: dict[str, Any] | None = None,
    ) -> None:
        """End a merge without a version and release the lineage. Raises LeaseLost."""
        merge = claim.merge
        status, *_ = finish_merge(
            self._client, merge.lineage, merge.id, claim.fence, state, problem=problem, report=_dump(report)
        )
        if status == "stale":
            raise LeaseLost(f"Another worker has claimed the merge {merge.id} since; its end was not recorded.")


def _workers_lost(attempts: int) -> MergeProblem:
    return MergeProblem(
        type="/problems/worker-lost",
        title="The workers that ran this merge were lost",
        detail=f"The merge was started {attempts} times, and each time its worker died or stopped responding. Read the "
        "worker's log (the most common reason is that it ran out of memory), then send the merge again.",
    )


def _dump(report: dict[str, Any] | None) -> str:
    return json.dumps(report, allow_nan=False) if report is not None else ""


def _live(lease: Sequence[str | None], now: int) -> bool:
    """Whether a worker holds the lineage. A lease longer than was granted shows a clock that was set back."""
    expires, length = lease
    return expires is not None and 0 < int(expires) - now <= int(length or 0)
