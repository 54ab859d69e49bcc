"""The disk fills up: in an upload, in a merge's output, under the append-only file. A real small disk, in memory."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from safetensors.torch import save

from benchmarks.harness.state_reader import LedgerReader
from registry.admin.verify import verify
from registry.base_record import now
from registry.blobs.files import FileBlobStore
from registry.blobs.manifests import FileManifests
from registry.errors import StoreUnavailable
from registry.manifest import write_due
from registry.merge import Merge, MergeState
from registry.recipe import AverageRecipe
from registry.state.merges import new_merge_id
from registry.state.state_store import StateStore
from registry.task import Task
from service.app import create_app
from service.settings import GatewaySettings
from standalone.valkey import EmbeddedValkey
from tests.conformance.servers import SERVERS, start_server
from tests.integration.ledger.conftest import Ledger
from worker.settings import WorkerSettings

_MIB = 1 << 20
_FILE = save({"weight": torch.zeros(2 * _MIB // 4)})


class _Disk:
    """A disk of 16 MiB."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._filler = root / "filler"

    def fill(self, leave: int = 0) -> None:
        """Leave about so many bytes free, to the nearest page below."""
        status = os.statvfs(self.root)
        with self._filler.open("ab") as file:
            file.write(b"\0" * max(0, status.f_bavail * status.f_frsize - leave))

    def free(self) -> None:
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[_Disk]:
    root = tmp_path / "disk"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "odem-test", str(root)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        made = False
    if not made:
        pytest.skip("a small disk needs the right to mount one")
    yield _Disk(root)
    subprocess.run(["umount", "--lazy", str(root)], check=True)


@pytest.fixture
def small(disk: _Disk, valkey: EmbeddedValkey) -> Iterator[Ledger]:
    """Return a ledger whose blobs lie on the small disk, its state store elsewhere."""
    state = StateStore.open(valkey.url)
    with LedgerReader(valkey.url) as reader:
        yield Ledger(disk.root, state, reader, FileBlobStore(disk.root), FileManifests(disk.root), valkey.url)
    state.close()


@pytest.fixture
def http(small: Ledger, disk: _Disk) -> Iterator[TestClient]:
    settings = GatewaySettings(
        redis_url=small.url, broker_url="redis://127.0.0.1:1/0", data_dir=disk.root, min_free_bytes=0
    )
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        yield client


def _is_sound(ledger: Ledger) -> None:
    write_due(ledger.state.manifests, ledger.manifests)
    assert list(verify(ledger.state, ledger.manifests, ledger.blobs)) == []
    assert list((ledger.root / "uploads").iterdir()) == []


def test_an_upload_that_does_not_fit_gets_507_and_succeeds_once_space_is_free(
    http: TestClient, small: Ledger, disk: _Disk
) -> None:
    disk.fill(leave=_MIB)
    response = http.post("/blobs", content=_FILE)
    assert (response.status_code, response.json()["type"]) == (507, "/problems/storage-full")
    assert http.get("/healthz").status_code == 200
    _is_sound(small)
    disk.free()
    assert http.post("/blobs", content=_FILE).status_code == 201
    _is_sound(small)


def test_an_upload_under_way_has_its_room_even_when_the_disk_fills_up(small: Ledger, disk: _Disk) -> None:
    writer = small.blobs.create()
    writer.reserve(len(_FILE))
    writer.write(_FILE[:_MIB])
    disk.fill()
    with pytest.raises(OSError, match="space"):
        (disk.root / "other").write_bytes(b"x")
    writer.write(_FILE[_MIB:])
    assert writer.commit().size == len(_FILE)
    _is_sound(small)


def test_an_upload_on_a_disk_that_fills_up_before_its_size_is_known_gets_507_midway(
    http: TestClient, small: Ledger, disk: _Disk
) -> None:
    """The disk fills up between the first bytes and the header's end, after which room would have been taken."""

    def body() -> Iterator[bytes]:
        yield _FILE[:4]
        disk.fill()
        yield _FILE[4:]

    response = http.post("/blobs", content=body())
    assert (response.status_code, response.json()["type"]) == (507, "/problems/storage-full")
    disk.free()
    _is_sound(small)
    assert http.post("/blobs", content=_FILE).status_code == 201


@pytest.mark.slow
def test_a_merge_whose_output_does_not_fit_fails_with_storage_full_and_succeeds_once_space_is_free(
    http: TestClient, small: Ledger, disk: _Disk
) -> None:
    from worker.run_merge import run_next

    settings = WorkerSettings(redis_url=small.url, data_dir=disk.root, device="cpu", min_free_bytes=0)
    digest = http.post("/blobs", content=_FILE).json()["digest"]
    lineage = {"name": "a", "base": digest, "recipe": {"method": "average"}}
    assert http.post("/lineages", json=lineage).status_code == 201
    other = http.post("/blobs", content=save({"weight": torch.ones(2 * _MIB // 4)})).json()["digest"]
    document = {"lineage": "a", "task": {"name": "t"}, "checkpoint": other}

    disk.fill(leave=_MIB)
    failing = http.post("/merge", json=document).json()["id"]
    assert run_next(settings) == "a"
    ended = http.get(f"/merges/{failing}").json()
    assert (ended["state"], ended["problem"]["type"]) == ("failed", "/problems/storage-full")
    assert small.state.versions.head("a").number == 0

    disk.free()
    _is_sound(small)
    again = http.post("/merge", json=document).json()["id"]
    assert run_next(settings) == "a"
    assert http.get(f"/merges/{again}").json()["version"] == "a@1"
    _is_sound(small)


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_an_append_only_file_without_room_loses_nothing_that_was_acknowledged(
    name: str, disk: _Disk, ledger: Ledger
) -> None:
    server = start_server(name, disk.root / "state")
    store, reader = StateStore.open(server.url), LedgerReader(server.url)
    try:
        lineage = ledger.create()
        store.lineages.create(lineage, ledger.state.versions.head("a"))
        disk.fill(leave=64 << 10)
        acknowledged = []
        with pytest.raises(StoreUnavailable):  # noqa: PT012  which one does not fit is not known
            while len(acknowledged) < 1000:
                acknowledged.append(store.merges.enqueue(_merge(lineage.base)).id)
        assert acknowledged
        disk.free()
        server.kill()
        server.start()
        stored = [merge.id for merge in reader.merges("a")][::-1]
        # The one that was not acknowledged may be there, whole; nothing else.
        assert stored[: len(acknowledged)] == acknowledged
        assert len(stored) <= len(acknowledged) + 1
        assert all(store.merges.get(merge).state is MergeState.QUEUED for merge in stored)
        more = store.merges.enqueue(_merge(lineage.base))
        assert store.merges.get(more.id) == more
        claim = store.claims.claim("a", 1000, 3)
        assert claim is not None
        assert claim.merge.id == acknowledged[0]
    finally:
        store.close()
        reader.close()
        server.stop()
        server.close()


def _merge(checkpoint: str) -> Merge:
    labels = {f"label{index}": json.dumps("x" * 400) for index in range(20)}
    return Merge(
        id=new_merge_id(),
        lineage="a",
        task=Task(name="t"),
        recipe=AverageRecipe(),
        checkpoint=checkpoint,
        labels=labels,
        created_at=now(),
    )
