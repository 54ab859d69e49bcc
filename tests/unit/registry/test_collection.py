"""What is collected, and above all what is not."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from registry.base_record import now
from registry.blobs.files import FileBlobStore
from registry.blobs.garbage_collection import MIN_GRACE, collect
from registry.blobs.uploads import FileUploads
from registry.errors import BlobNotFound, InvalidInput
from registry.upload import Upload

_GRACE = 3600.0


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobStore:
    return FileBlobStore(tmp_path)


def _put(blobs: FileBlobStore, data: bytes, age: float = 2 * _GRACE) -> str:
    writer = blobs.create()
    writer.write(data)
    digest = writer.commit().digest
    _age(blobs.path(digest), age)
    return digest


def _age(path: Path, seconds: float) -> None:
    when = time.time() - seconds
    os.utime(path, (when, when))


def test_only_old_unreferenced_blobs_are_deleted(blobs: FileBlobStore, tmp_path: Path) -> None:
    needed, orphan, young = _put(blobs, b"needed"), _put(blobs, b"orphan"), _put(blobs, b"young", age=0)
    result = collect(tmp_path, lambda: {needed}, _GRACE, dry_run=False)
    assert [blob.digest for blob in result.orphans] == [orphan]
    assert result.size == 6
    assert blobs.get(needed).size == 6
    assert blobs.get(young).size == 5
    with pytest.raises(BlobNotFound):
        blobs.get(orphan)


def test_a_dry_run_reports_the_same_and_deletes_nothing(blobs: FileBlobStore, tmp_path: Path) -> None:
    orphan = _put(blobs, b"orphan")
    blobs.create().write(b"x")
    upload = next((tmp_path / "uploads").iterdir())
    _age(upload, 2 * _GRACE)
    dry = collect(tmp_path, set, _GRACE, dry_run=True)
    assert blobs.get(orphan).size == 6
    assert upload.exists()
    assert collect(tmp_path, set, _GRACE, dry_run=False).orphans == dry.orphans


def test_bytes_sent_again_during_the_query_are_kept(blobs: FileBlobStore, tmp_path: Path) -> None:
    """The collector has listed the old blob already; the new upload of the same bytes must win."""
    digest = _put(blobs, b"same")

    def ask() -> set[str]:
        writer = blobs.create()
        writer.write(b"same")
        writer.commit()
        return set()

    assert collect(tmp_path, ask, _GRACE, dry_run=False).orphans == []
    assert blobs.path(digest).read_bytes() == b"same"


def test_a_blob_referenced_during_the_query_is_kept(blobs: FileBlobStore, tmp_path: Path) -> None:
    digest = _put(blobs, b"named")
    assert collect(tmp_path, lambda: [blobs.touch(digest).digest][:0], _GRACE, dry_run=False).orphans == []
    assert blobs.get(digest).size == 5


def test_an_upload_under_way_stays_however_slow_it_is(blobs: FileBlobStore, tmp_path: Path) -> None:
    writer = blobs.create()
    writer.write(b"slow ")
    _age(next((tmp_path / "uploads").iterdir()), 100 * _GRACE)
    assert collect(tmp_path, set, _GRACE, dry_run=False).uploads == []
    writer.write(b"client")
    digest = writer.commit().digest
    assert digest == "sha256:" + hashlib.sha256(b"slow client").hexdigest()
    # Its first byte was long ago, but it is young.
    assert collect(tmp_path, set, _GRACE, dry_run=False).orphans == []


def test_an_upload_whose_process_died_is_collected_after_the_grace_period(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        FileBlobStore(tmp_path).create().write(b"lost")
        os._exit(0)
    os.waitpid(child, 0)
    upload = next((tmp_path / "uploads").iterdir())
    assert collect(tmp_path, set, _GRACE, dry_run=False).uploads == []
    _age(upload, 2 * _GRACE)
    assert collect(tmp_path, set, _GRACE, dry_run=False).uploads == [(upload.name, 4)]
    assert not upload.exists()


def test_a_grace_period_that_could_hurt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        collect(tmp_path, set, MIN_GRACE - 1, dry_run=True)


def test_nothing_is_deleted_without_the_state_store(blobs: FileBlobStore, tmp_path: Path) -> None:
    digest = _put(blobs, b"x")

    def ask() -> set[str]:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        collect(tmp_path, ask, _GRACE, dry_run=False)
    assert blobs.get(digest).size == 1


def test_a_resumable_upload_is_deleted_when_it_expires_and_not_before(tmp_path: Path) -> None:
    uploads, short = FileUploads(tmp_path), FileUploads(tmp_path, lifetime=-1.0)
    fresh = Upload(id="0" * 32, owner="", length=100, created_at=now(), expires_at=now())
    uploads.create(fresh, limit=3)
    short.create(fresh.model_copy(update={"id": "1" * 32}), limit=3)
    assert collect(tmp_path, set, _GRACE, dry_run=True).uploads == [("1" * 32, 0)]
    assert collect(tmp_path, set, _GRACE, dry_run=False).uploads == [("1" * 32, 0)]
    assert uploads.get("0" * 32).offset == 0
    assert [path.name for path in (tmp_path / "resumable").iterdir() if path.is_dir()] == ["0" * 32]
