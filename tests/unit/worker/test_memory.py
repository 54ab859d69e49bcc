"""The calibration memory: a fixed budget, whatever the number of tasks."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from registry.blobs.files import FileBlobStore
from registry.task import Task
from worker.calibration_memory import Sample, admit, load, store


def _sample(name: str, count: int, classes: int = 4) -> Sample:
    images = torch.arange(count, dtype=torch.uint8).reshape(count, 1, 1, 1).expand(count, 3, 2, 2).contiguous()
    head = torch.nn.functional.normalize(torch.randn(classes, 5), dim=-1)
    return Sample(task=Task(name=name), images=images, labels=torch.arange(count) % classes, head=head)


@given(budget=st.integers(1, 100), counts=st.lists(st.integers(1, 120), min_size=1, max_size=6))
def test_the_budget_is_never_exceeded_and_is_shared_evenly(budget: int, counts: list[int]) -> None:
    memory: tuple[Sample, ...] = ()
    for k, count in enumerate(counts, start=1):
        memory = admit(memory, _sample(f"t{k}", count), budget, seed=0)
        assert all(len(sample.labels) <= max(1, budget // k) for sample in memory)
        assert [sample.task.name for sample in memory] == [f"t{i}" for i in range(1, k + 1)]
    assert sum(len(sample.labels) for sample in memory) <= max(budget, len(counts))


def test_kept_samples_are_spread_over_the_classes_with_their_labels() -> None:
    (kept,) = admit((), _sample("t", 100), budget=20, seed=1)
    assert torch.bincount(kept.labels).tolist() == [5, 5, 5, 5]
    assert torch.equal(kept.images[:, 0, 0, 0].long() % 4, kept.labels)


def test_the_seed_decides_which_samples_are_kept() -> None:
    first, again, other = (admit((), _sample("t", 100), 20, seed)[0].images for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_repeated_task_is_replaced() -> None:
    memory = admit((), _sample("a", 10), 100, 0)
    memory = admit(memory, _sample("b", 10), 100, 0)
    memory = admit(memory, _sample("a", 6), 100, 0)
    assert [(sample.task.name, len(sample.labels)) for sample in memory] == [("b", 10), ("a", 6)]


def test_a_stored_memory_loads_unchanged(tmp_path: Path) -> None:
    blobs = FileBlobStore(tmp_path)
    memory = (_sample("a", 3), _sample("b", 5))
    loaded = load(blobs, store(blobs, memory).digest)
    assert [sample.task for sample in loaded] == [sample.task for sample in memory]
    for old, new in zip(memory, loaded, strict=True):
        assert torch.equal(old.images, new.images)
        assert torch.equal(old.labels, new.labels)
        assert torch.equal(old.head, new.head)


@pytest.mark.parametrize("digest", [None])
def test_a_version_without_a_memory_has_an_empty_one(tmp_path: Path, digest: None) -> None:
    assert load(FileBlobStore(tmp_path), digest) == ()
