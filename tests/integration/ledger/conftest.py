"""A small ledger: real blobs, a real server, and merges that a line of Python does."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.harness.state_reader import LedgerReader
from registry.base_record import now
from registry.blobs.files import FileBlobStore
from registry.blobs.manifests import FileManifests
from registry.lineage import Lineage
from registry.merge import Merge
from registry.recipe import AverageRecipe
from registry.state.merges import new_merge_id
from registry.state.state_store import StateStore
from registry.task import Task
from registry.version import Provenance, Version
from standalone.valkey import EmbeddedValkey


@dataclass
class Ledger:
    """Stores over one data folder."""

    root: Path
    state: StateStore
    reader: LedgerReader
    blobs: FileBlobStore
    manifests: FileManifests
    url: str

    def put(self, data: bytes) -> str:
        writer = self.blobs.create()
        writer.write(data)
        return writer.commit().digest

    def create(self, name: str = "a") -> Lineage:
        digest = self.put(b"base")
        lineage = Lineage(name=name, base=digest, recipe=AverageRecipe(), created_at=now())
        return self.state.lineages.create(
            lineage, Version(lineage=name, number=0, weights=digest, size=4, created_at=now())
        )

    def enqueue(self, name: str = "a") -> Merge:
        merge = Merge(
            id=new_merge_id(),
            lineage=name,
            task=Task(name="t"),
            recipe=AverageRecipe(),
            checkpoint=self.put(b"checkpoint"),
            created_at=now(),
        )
        return self.state.merges.enqueue(merge)

    def merge(self, name: str = "a") -> Version:
        """A merge from its queueing to its commit."""
        merge = self.enqueue(name)
        claim = self.state.claims.claim(name, 60_000, 3)
        assert claim is not None
        number = self.state.versions.head(name).number + 1
        data = f"weights of {name}@{number}".encode()
        version = Version(
            lineage=name,
            number=number,
            weights=self.put(data),
            size=len(data),
            tasks=(merge.task,),
            report={"a": 1},
            provenance=Provenance(
                parent=number - 1,
                merge=merge.id,
                checkpoint=merge.checkpoint,
                recipe=merge.recipe,
                code="0",
                libraries={},
                device="cpu",
            ),
            created_at=now(),
        )
        self.state.claims.commit(claim, version)
        return version


@pytest.fixture
def ledger(valkey: EmbeddedValkey, tmp_path: Path) -> Iterator[Ledger]:
    state = StateStore.open(valkey.url)
    with LedgerReader(valkey.url) as reader:
        yield Ledger(tmp_path, state, reader, FileBlobStore(tmp_path), FileManifests(tmp_path), valkey.url)
    state.close()
