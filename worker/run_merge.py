"""Run one merge from claim to commit.

claim -> open head, checkpoint and base by digest -> merge -> write weights and memory as blobs -> commit. Expected
failures end the merge with a problem that its sender can act on; only a commit changes the lineage.
"""

import logging
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version as library_version

import torch
from pydantic import ValidationError

from merging.merge_lock import CheckpointLocked, require_unlocked
from merging.streaming import WEIGHTS, NotFinite
from registry import CODE_VERSION, code_commit
from registry.base_record import now
from registry.blob import Blob
from registry.blobs.factory import ByteStores, open_byte_stores
from registry.blobs.store import BlobStore
from registry.errors import LeaseLost, MethodUnavailable, OdemError, StorageFull, StoreUnavailable, TaskNotFound
from registry.history import Contribution, read_history
from registry.join import require_joinable
from registry.logging_config import bound
from registry.manifest import write_due
from registry.merge import Claim, MergeProblem, MergeState, Progress
from registry.state.state_store import StateStore
from registry.version import MethodState, Provenance, Version, VersionReference
from worker import calibration_memory as memory
from worker.lease import Lease
from worker.merge_job import Job, MergeCancelled, Rejected, Result
from worker.merge_metrics import MergeMetrics, gpu_memory, worker_name
from worker.methods import METHODS
from worker.safetensors_writer import Entry, SafetensorsWriter, abort_on_error
from worker.settings import WorkerSettings
from worker.torch_tensors import Weights, to_torch
from worker.watchdog import Watchdog

_log = logging.getLogger(__name__)


def run_next(settings: WorkerSettings) -> str | None:
    """Run one merge, of the lineage that has waited longest since one of its merges began.

    Returns the lineage's name, even if another worker took the merge over, or None if no merge is queued.
    """
    state = StateStore.open(settings.redis_url)
    try:
        for lineage in state.claims.waiting_lineages():
            claim = state.claims.claim(lineage, int(settings.lease_seconds * 1000), settings.max_attempts)
            if claim is not None:
                with bound(merge=claim.merge.id, lineage=lineage, request=claim.merge.request_id):
                    _log.info(
                        "%s of %s: attempt %d, fence %d", claim.merge.id, lineage, claim.merge.attempt, claim.fence
                    )
                    _run(claim, state, open_byte_stores(settings, state.manifests), settings)
                return lineage
        return None
    finally:
        state.close()


def _run(claim: Claim, state: StateStore, stores: ByteStores, settings: WorkerSettings) -> None:
    metrics = MergeMetrics(claim)
    watchdog = Watchdog(claim, settings.merge_limits)
    lease = Lease(state.claims, claim, settings.lease_seconds, watchdog)
    try:
        with watchdog, lease:
            end = _attempt(claim, state, stores.blobs, lease, settings, metrics)
            _retry_while_unavailable(end.record, settings.store_patience_seconds)
        metrics.record_outcome(end.outcome)
    except LeaseLost as error:
        metrics.record_lost(lease_lost=lease.lost)
        _log.warning("%s", error)
    finally:
        _report_metrics(metrics, state, settings)
    try:
        write_due(state.manifests, stores.manifests)
    except (StoreUnavailable, StorageFull) as error:
        _log.warning("Manifests were not written; the next sweep retries: %s", error)


def _report_metrics(metrics: MergeMetrics, state: StateStore, settings: WorkerSettings) -> None:
    """Store the attempt's metrics. If the state store is unavailable, only the metrics are lost."""
    try:
        state.metrics.add(metrics.counts)
        if held := gpu_memory(choose_device(settings.device)):
            state.metrics.report_worker(worker_name(), "gpu", held)
    except StoreUnavailable as error:
        _log.warning("The metrics of the merge were not stored: %s", error)


@dataclass(frozen=True)
class _End:
    """The outcome of an attempt, and the call that records it."""

    outcome: MergeState
    record: Callable[[], None]


def _attempt(
    claim: Claim,
    state: StateStore,
    blobs: BlobStore,
    lease: Lease,
    settings: WorkerSettings,
    metrics: MergeMetrics,
) -> _End:
    """Run the merge and turn every failure but an unavailable store into an outcome."""
    try:
        version = _make_version(claim, state, blobs, lease, settings, metrics)
    except Rejected as rejection:
        report = rejection.report
        return _End(MergeState.REJECTED, lambda: state.claims.end(claim, MergeState.REJECTED, None, report))
    except MergeCancelled:
        if lease.lost:
            raise LeaseLost(f"The lease of {claim.merge.id} was lost.") from None
        return _End(MergeState.CANCELLED, lambda: state.claims.end(claim, MergeState.CANCELLED, None))
    except StoreUnavailable:
        # Another attempt starts once the lease has expired.
        raise
    except Exception as error:
        problem = _problem(error)
        _log.exception("%s failed: %s", claim.merge.id, problem.detail)
        return _End(MergeState.FAILED, lambda: state.claims.end(claim, MergeState.FAILED, problem))

    def commit() -> None:
        number = state.claims.commit(claim, version)
        _log.info("%s committed %s@%d", claim.merge.id, claim.merge.lineage, number)

    metrics.record_version(version)
    return _End(MergeState.SUCCEEDED, commit)


def _make_version(
    claim: Claim,
    state: StateStore,
    blobs: BlobStore,
    lease: Lease,
    settings: WorkerSettings,
    metrics: MergeMetrics,
) -> Version:
    started = time.perf_counter()
    job = _open(claim, state, blobs, lease, settings, metrics)
    require_unlocked(job.base, job.checkpoint)
    result = METHODS[claim.merge.recipe.method](job)
    merged = time.perf_counter()
    job.report(Progress(phase="writing"))
    weights, method_state = _write(job, result)
    stored = memory.store(blobs, result.memory).digest if result.memory is not None else job.parent.memory
    seconds = {"merge": merged - started, "write": time.perf_counter() - merged}
    return Version(
        lineage=job.lineage.name,
        number=job.parent.number + 1,
        weights=weights.digest,
        size=weights.size,
        memory=stored,
        state=method_state,
        tasks=job.tasks,
        provenance=_provenance(job),
        report=result.report | {"seconds": seconds},
        created_at=now(),
    )


def _open(
    claim: Claim,
    state: StateStore,
    blobs: BlobStore,
    lease: Lease,
    settings: WorkerSettings,
    metrics: MergeMetrics,
) -> Job:
    lineage = state.lineages.get(claim.merge.lineage)
    parent = state.versions.head(lineage.name)

    def weights(digest: str) -> Weights:
        return Weights(blobs.path(digest))

    removed: tuple[Contribution, ...] = ()
    if claim.merge.removal:
        # Read again: earlier merges of the queue may have changed head since the request.
        removed = read_history(parent, state.versions.get).tasks.get(claim.merge.task.name, ())
        if not removed:
            raise TaskNotFound(lineage.name, claim.merge.task.name)
    joined: Version | None = None
    if claim.merge.joined is not None:
        joined = state.versions.get(VersionReference.parse(claim.merge.joined))
        require_joinable(lineage, parent, state.lineages.get(joined.lineage), joined)
    return Job(
        lineage=lineage,
        parent=parent,
        merge=claim.merge,
        base=weights(lineage.base),
        head=weights(parent.weights),
        checkpoint=weights(claim.merge.checkpoint),
        blobs=blobs,
        scratch=settings.data_dir / "uploads",
        device=choose_device(settings.device),
        report=metrics.timing_phases(lease.report),
        stopping=lambda: lease.stopping,
        removed=tuple((weights(part.checkpoint), part) for part in removed),
        joined=joined,
    )


def _write(job: Job, result: Result) -> tuple[Blob, MethodState | None]:
    """Write the version's weights, with every tensor of the base in its order and dtype, and the method's state.

    Raises Rejected, after discarding both, when the merge does not pass its gate.
    """
    base = job.base
    entries = [Entry(name, raw.dtype, raw.shape) for name in base.names for raw in (base.tensor(name),)]
    with ExitStack() as stack:

        def output(entries: Sequence[Entry], metadata: Mapping[str, str]) -> SafetensorsWriter:
            writer = stack.enter_context(abort_on_error(job.blobs.create()))
            return stack.enter_context(SafetensorsWriter(writer, entries, dict(metadata) | {"format": "pt"}))

        outputs = {WEIGHTS: output(entries, base.metadata)}
        outputs |= {part: output(tensors, {}) for part, tensors in result.parts.items()}
        result.write(lambda sink, chunk: outputs[sink].append(chunk))
        if result.evaluate is not None:
            result.evaluate(lambda name: to_torch(outputs[WEIGHTS].read(name)))
        _apply_gate(job, result)
        parts = {part: outputs[part].commit().digest for part in result.parts}
        state = MethodState(family=result.family, scalars=result.scalars(), parts=parts) if result.family else None
        return outputs[WEIGHTS].commit(), state


def _apply_gate(job: Job, result: Result) -> None:
    """Add the gate's verdict to the report. Raises Rejected."""
    gate = job.merge.gate
    if gate is None:
        return
    earlier = frozenset(task.name for task in job.parent.tasks)
    verdict = gate.judge(result.report.get("tasks", {}), earlier)
    result.report["gate"] = verdict
    if not verdict["passed"]:
        raise Rejected(result.report)


def _provenance(job: Job) -> Provenance:
    merge = job.merge
    libraries = {name: library_version(name) for name in ("torch", "open_clip_torch", "safetensors", "numpy", "numba")}
    return Provenance(
        parent=job.parent.number,
        merge=merge.id,
        checkpoint=merge.checkpoint,
        removed=merge.task.name if merge.removal else None,
        joined=merge.joined,
        recomputed=merge.recompute,
        calibration=merge.calibration,
        recipe=merge.recipe,
        code=CODE_VERSION,
        commit=code_commit(),
        libraries=libraries,
        device=describe_device(job.device),
    )


def choose_device(wanted: str) -> torch.device:
    """The torch device of a setting; `auto` is the first GPU, or the CPU without one."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def describe_device(device: torch.device) -> str:
    """Describe the device, for provenance."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} (CUDA {torch.version.cuda})"
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{device.type} ({platform.machine()}, {capability}, {torch.get_num_threads()} threads)"


def _retry_while_unavailable(action: Callable[[], None], seconds: float) -> None:
    """Repeat an idempotent write while the state store is unavailable, so that a finished merge is not lost.

    Raises StoreUnavailable after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            _log.warning("The state store does not respond; retrying to record the outcome of the merge.")
            time.sleep(1.0)


def _problem(error: Exception) -> MergeProblem:
    """The problem that a failed merge shows to its sender."""
    if isinstance(error, NotFinite):
        return _merge_problem("not-finite", "A tensor is not finite", f"{error} Send a checkpoint without such values.")
    if isinstance(error, CheckpointLocked):
        return _merge_problem("checkpoint-locked", "The checkpoint is locked against merging", str(error))
    if isinstance(error, MethodUnavailable):
        return _merge_problem("method-unavailable", "This method cannot continue from head", str(error))
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        detail = 'The worker ran out of memory. Send the merge again with a smaller "micro_batch" in its recipe.'
        return _merge_problem("out-of-memory", "Out of memory", detail)
    if isinstance(error, StorageFull):
        return _merge_problem(
            "storage-full",
            "The disk is full",
            "The result was not stored. Free disk space, then send the merge again.",
        )
    if isinstance(error, OdemError | ValueError) and not isinstance(error, ValidationError):
        return _merge_problem("invalid-input", "Invalid merge input", str(error))
    detail = (
        f"The worker raised an unexpected {type(error).__name__}: {error}. See the worker's log; head is unchanged."
    )
    return _merge_problem("internal", "Internal worker error", detail)


def _merge_problem(kind: str, title: str, detail: str) -> MergeProblem:
    return MergeProblem(type=f"/problems/{kind}", title=title, detail=detail)
