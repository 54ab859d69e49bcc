"""Many runs on all cores, each kept on disk, so that a report that was cut off goes on where it stood."""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import torch
from tqdm import tqdm

from benchmarks import zoo
from benchmarks.quality import protocol
from benchmarks.quality.material import Material
from benchmarks.quality.mergers import Recipe
from benchmarks.quality.protocol import Run
from benchmarks.quality.streams import Stream
from benchmarks.zoo.build import digest

_ROOT: Final = Path(__file__).parents[2]
_DECIDING: Final = (
    "merging/**/*.py",
    "worker/calibration_memory.py",
    "worker/planning.py",
    "worker/ode_planning.py",
    "benchmarks/quality/material.py",
    "benchmarks/quality/mergers.py",
    "benchmarks/quality/protocol.py",
    "benchmarks/quality/replay.py",
)
"""Sources that a run's result depends on, beside the zoo's own."""


@dataclass(frozen=True)
class Job:
    """A stream to merge by a recipe; `split` and `sweep` as `protocol.run` has them."""

    stream: Stream
    recipe: Recipe
    split: str = "test"
    sweep: tuple[float, ...] = ()


class Jobs:
    """Runs jobs of one zoo in processes of their own, one thread each; the processes end with the block."""

    def __init__(self, plan: zoo.Plan, cache: Path, processes: int | None = None) -> None:
        self._folder = cache / digest(plan) / "runs" / _sources()
        self._pool = ProcessPoolExecutor(
            processes or len(os.sched_getaffinity(0)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_open,
            initargs=(plan, cache),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    def run(self, jobs: Sequence[Job], what: str, *, progress: bool = True) -> list[Run]:
        """The jobs' results in their order; those that are on disk are read."""
        self._folder.mkdir(parents=True, exist_ok=True)
        missing = list({self._path(job): job for job in jobs if not self._path(job).is_file()}.values())
        with tqdm(total=len(missing), desc=what, unit="run", disable=not progress, dynamic_ncols=True) as bar:
            for job, found in self._fresh(missing):
                partial = self._path(job).with_suffix(".partial")
                partial.write_text(json.dumps(asdict(found)))
                partial.replace(self._path(job))
                bar.update()
        return [_read(self._path(job)) for job in jobs]

    def _fresh(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Run]]:
        pending = {self._pool.submit(_run, job): job for job in jobs}
        for future in as_completed(pending):
            yield pending[future], future.result()

    def _path(self, job: Job) -> Path:
        said = json.dumps(asdict(job), sort_keys=True)
        return self._folder / f"{hashlib.sha256(said.encode()).hexdigest()[:24]}.json"


def _sources() -> str:
    """A digest of the code that decides."""
    summed = hashlib.sha256()
    for pattern in _DECIDING:
        for source in sorted(_ROOT.glob(pattern)):
            summed.update(source.read_bytes())
    return summed.hexdigest()[:16]


def _read(path: Path) -> Run:
    values: dict[str, Any] = json.loads(path.read_text())
    return Run(**values | {name: tuple(values[name]) for name in ("tasks", "utilities")})


_material: Material | None = None


def _open(plan: zoo.Plan, cache: Path) -> None:
    """What a process does first: read the zoo, which is there."""
    global _material
    torch.set_num_threads(1)
    _material = Material(zoo.build(cache, plan, progress=False))


def _run(job: Job) -> Run:
    assert _material is not None
    return protocol.run(_material, job.stream, job.recipe, job.split, job.sweep)
