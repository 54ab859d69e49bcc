"""A gateway pinned to one core over a real Valkey, with lineages, versions and merges of a realistic size in it."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.harness.gateway import Gateway
from registry.api_key import KeyLimits, Scope, new_key
from registry.base_record import now
from registry.lineage import Lineage
from registry.merge import Claim, Merge, Progress
from registry.recipe import AverageRecipe
from registry.state.merges import new_merge_id
from registry.task import Task
from registry.version import Provenance, Version
from standalone.valkey import EmbeddedValkey

LINEAGES = 5
VERSIONS = 20
_DIGEST = "sha256:" + "0" * 64
_TASKS = tuple(Task(name=f"task{index}", classnames=tuple(f"class {c}" for c in range(10))) for index in range(10))
_REPORT = {"tasks": {task.name: {"after": {"loss": 0.5, "accuracy": 0.9}} for task in _TASKS}, "path": [0.1] * 50}


class Stack:
    """Valkey and one gateway; a context manager.

    auth: whether the gateway asks for keys; `token` is then one without a rate limit of its own.
    """

    def __init__(self, folder: Path, *, auth: bool) -> None:
        self._folder = folder
        self._auth = auth
        self._valkey = EmbeddedValkey(folder / "valkey")
        self.token: str | None = None
        self.merges: list[str] = []

    def __enter__(self) -> Self:
        self._valkey.start()
        self._gateway = Gateway(self._valkey, self._folder / "data", ODEM_AUTH=str(self._auth))
        self.port, self.state = self._gateway.port, self._gateway.state
        if self._auth:
            key, self.token = new_key("load", Scope.READ, limits=KeyLimits(rate=100_000, burst=100_000))
            self.state.api_keys.add(key)
        for index in range(LINEAGES):
            self._fill(f"line{index}")
        self._gateway.start(core=min(os.sched_getaffinity(0)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gateway.close()
        self._valkey.stop()
        self._valkey.close()

    def _fill(self, name: str) -> None:
        base = Version(lineage=name, number=0, weights=_DIGEST, size=1, created_at=now())
        self.state.lineages.create(Lineage(name=name, base=_DIGEST, recipe=AverageRecipe(), created_at=now()), base)
        for number in range(1, VERSIONS):
            claim = self.begin(name)
            provenance = Provenance(
                parent=number - 1,
                merge=claim.merge.id,
                checkpoint=_DIGEST,
                recipe=claim.merge.recipe,
                code="0",
                libraries={"torch": "2"},
                device="cpu",
            )
            version = Version(
                lineage=name,
                number=number,
                weights=_DIGEST,
                size=1,
                tasks=_TASKS,
                provenance=provenance,
                report=_REPORT,
                created_at=now(),
            )
            self.state.claims.commit(claim, version)
            self.merges.append(claim.merge.id)

    def begin(self, lineage: str) -> Claim:
        """A merge that a worker runs."""
        self.state.merges.enqueue(
            Merge(
                id=new_merge_id(),
                lineage=lineage,
                task=_TASKS[0],
                recipe=AverageRecipe(),
                checkpoint=_DIGEST,
                created_at=now(),
            )
        )
        claim = self.state.claims.claim(lineage, 600_000, 3)
        assert claim is not None
        return claim

    def progress(self, claim: Claim, step: int) -> None:
        """Let a merge go on by a step."""
        losses = {task.name: 0.5 for task in _TASKS}
        self.state.claims.renew(
            claim, 600_000, Progress(phase="merging", step=step, t=step / 1000, T=1.0, losses=losses)
        )

    @property
    def memory_mb(self) -> float:
        """The gateway's resident memory, in MiB."""
        return float(self._gateway.process.memory_info().rss) / (1 << 20)

    @property
    def busy_seconds(self) -> float:
        """Processor time that the gateway has used."""
        times = self._gateway.process.cpu_times()
        return float(times.user + times.system)
