"""Many runs in several processes, each result kept on disk, so that an interrupted report continues where it stood."""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import torch
from tqdm import tqdm

from benchmarks.quality import material as materials
from benchmarks.quality import protocol
from benchmarks.quality.material import Family, Material
from benchmarks.quality.mergers import Recipe
from benchmarks.quality.protocol import Ends, Run
from benchmarks.quality.streams import Stream

_ROOT: Final = Path(__file__).parents[2]
_DECIDING: Final = (
    "merging/**/*.py",
    "worker/planning.py",
    "worker/calibration_memory.py",
    "benchmarks/pretrained/*.py",
)
_OWN: Final = ("material", "mergers", "protocol", "replay", "streams")


@dataclass(frozen=True)
class Job:
    """A stream to merge by a recipe, tested on a split."""

    stream: Stream
    recipe: Recipe
    split: str = "test"


class Jobs:
    """Runs jobs on one family in processes of their own, one thread each; the processes end with the block.

    keep: reuse results that other versions of the code left.
    """

    def __init__(self, family: Family, cache_dir: Path, processes: int | None = None, *, keep: bool = False) -> None:
        self._folder = cache_dir / "runs" / family
        self._sources = "" if keep else _sources()
        self._pool = ProcessPoolExecutor(
            processes or len(os.sched_getaffinity(0)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_open,
            initargs=(family, cache_dir),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    def run(self, jobs: Sequence[Job], what: str) -> list[Run]:
        """The jobs' results in their order; those that are on disk are read."""
        self._folder.mkdir(parents=True, exist_ok=True)
        missing = list({self._path(job): job for job in jobs if not self._stored(job)}.values())
        with tqdm(total=len(missing), desc=what, unit="run", dynamic_ncols=True) as bar:
            for job, result in self._fresh(missing):
                partial = self._path(job).with_suffix(".partial")
                partial.write_text(json.dumps({"sources": _sources(), **asdict(result)}))
                partial.replace(self._path(job))
                bar.update()
        return [_read(self._path(job)) for job in jobs]

    def _stored(self, job: Job) -> bool:
        """Whether the result is on disk, made by this code (by any, with `keep`)."""
        path = self._path(job)
        return path.is_file() and (not self._sources or json.loads(path.read_text())["sources"] == self._sources)

    def _fresh(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Run]]:
        pending = {self._pool.submit(_run, job): job for job in jobs}
        for future in as_completed(pending):
            yield pending[future], future.result()

    def _path(self, job: Job) -> Path:
        text = json.dumps(asdict(job), sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"


@cache
def _sources() -> str:
    """A digest of the code that decides."""
    summed = hashlib.sha256()
    result = [source for pattern in _DECIDING for source in sorted(_ROOT.glob(pattern))]
    for source in (*result, *(Path(__file__).with_name(f"{name}.py") for name in _OWN)):
        summed.update(source.read_bytes())
    return summed.hexdigest()[:16]


def _read(path: Path) -> Run:
    values: dict[str, Any] = json.loads(path.read_text())
    del values["sources"]
    return Run(**{item.name: _frozen(values[item.name]) for item in fields(Run)})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class _Process:
    """What one process holds: the family, and by split the accuracies of base and checkpoints."""

    def __init__(self, family: Family, cache_dir: Path) -> None:
        self.material: Material = materials.read(family, cache_dir, materials.tasks_of(family))
        self._ends: dict[str, Ends] = {}

    def ends(self, split: str) -> Ends:
        """Test them once."""
        if split not in self._ends:
            self._ends[split] = protocol.ends(self.material, split)
        return self._ends[split]


_process: _Process | None = None


def _open(family: Family, cache_dir: Path) -> None:
    """What a process does first: read the family, which has been built."""
    global _process
    torch.set_num_threads(1)
    _process = _Process(family, cache_dir)


def _run(job: Job) -> Run:
    assert _process is not None
    return protocol.run(_process.material, job.stream, job.recipe, job.split, _process.ends(job.split))
