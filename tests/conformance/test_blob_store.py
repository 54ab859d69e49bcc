"""What every blob store must do."""

import errno
import hashlib
import os
import time
import uuid
from pathlib import Path

import pytest

from registry.blobs import writer as writer_module
from registry.blobs.files import FileBlobStore, forget_abandoned
from registry.blobs.filesystem import begin_writing
from registry.blobs.s3 import S3BlobStore
from registry.blobs.s3_client import Bucket
from registry.blobs.store import AdminBlobStore
from registry.errors import BlobNotFound, DigestMismatch, StorageFull
from tests.conformance.s3_server import ACCESS_KEY, SECRET_KEY, S3Server


@pytest.fixture(params=["files", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> AdminBlobStore:
    """Return an empty store of each kind; the bucket is on a real server."""
    if request.param == "files":
        return FileBlobStore(tmp_path)
    server: S3Server = request.getfixturevalue("s3_server")
    return S3BlobStore(Bucket(server.url(uuid.uuid4().hex), ACCESS_KEY, SECRET_KEY), tmp_path)


def _put(store: AdminBlobStore, *pieces: bytes) -> str:
    writer = store.create()
    for piece in pieces:
        writer.write(piece)
    return writer.commit().digest


def test_a_blob_is_named_by_the_sha256_of_its_bytes(store: AdminBlobStore) -> None:
    digest = _put(store, b"hello, ", b"world")
    assert digest == "sha256:" + hashlib.sha256(b"hello, world").hexdigest()
    assert store.get(digest).size == 12
    assert store.path(digest).read_bytes() == b"hello, world"


def test_the_same_bytes_twice_are_one_blob(store: AdminBlobStore) -> None:
    assert _put(store, b"ab") == _put(store, b"a", b"b")


def test_a_blob_is_invisible_before_its_commit(store: AdminBlobStore) -> None:
    writer = store.create()
    writer.write(b"x")
    digest = "sha256:" + hashlib.sha256(b"x").hexdigest()
    with pytest.raises(BlobNotFound):
        store.get(digest)
    writer.commit()
    assert store.get(digest).size == 1


def test_written_bytes_can_be_read_before_the_commit(store: AdminBlobStore) -> None:
    writer = store.create()
    writer.write(b"0123456789")
    assert writer.read(3, 4) == b"3456"
    assert writer.written == 10
    writer.abort()


def test_reserved_room_that_was_not_used_is_no_part_of_the_blob(store: AdminBlobStore) -> None:
    writer = store.create()
    writer.reserve(1000)
    writer.write(b"x")
    assert store.path(writer.commit().digest).read_bytes() == b"x"


def test_an_unexpected_digest_keeps_nothing(store: AdminBlobStore) -> None:
    writer = store.create()
    writer.write(b"x")
    with pytest.raises(DigestMismatch):
        writer.commit("sha256:" + "0" * 64)
    with pytest.raises(BlobNotFound):
        store.get("sha256:" + hashlib.sha256(b"x").hexdigest())


@pytest.mark.parametrize("digest", ["", "x", "sha256:../../etc/passwd", "sha256:" + "A" * 64, "sha256:" + "0" * 64])
def test_names_that_no_blob_has_are_not_found(store: AdminBlobStore, digest: str) -> None:
    with pytest.raises(BlobNotFound):
        store.path(digest)


def test_all_blobs_are_listed_with_the_time_when_they_were_last_sent_or_named(store: AdminBlobStore) -> None:
    digests = {_put(store, data) for data in (b"a", b"b")}
    listed = dict(store.listed())
    assert set(listed) == digests
    assert all(abs(moment - time.time()) < 60 for moment in listed.values())
    assert b"".join(store.chunks(_put(store, b"a"))) == b"a"


def test_a_blob_that_was_named_since_is_not_deleted(store: AdminBlobStore) -> None:
    digest = _put(store, b"abc")
    later, earlier = time.time() + 3600, time.time() - 3600
    assert store.delete(digest, earlier) is None
    assert store.delete(digest, later, dry_run=True) == 3
    assert store.touch(digest).size == 3
    assert store.delete(digest, later) == 3
    assert store.delete(digest, later) is None
    for ask in (store.get, store.touch):
        with pytest.raises(BlobNotFound):
            ask(digest)
    assert _put(store, b"abc") == digest
    assert store.get(digest).size == 3


def test_an_aborted_blob_leaves_no_file(tmp_path: Path) -> None:
    writer = FileBlobStore(tmp_path).create()
    writer.write(b"x" * 1000)
    writer.abort()
    writer.abort()
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_files_of_a_dead_writer_are_removed_and_a_live_one_continues(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    living = store.create()
    living.write(b"x")
    (tmp_path / "uploads" / "left").write_bytes(b"half")
    assert forget_abandoned(tmp_path) == 1
    assert forget_abandoned(tmp_path) == 0
    assert store.path(living.commit().digest).read_bytes() == b"x"


def test_blobs_are_read_only_files(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    assert store.path(_put(store, b"x")).stat().st_mode & 0o777 == 0o444


def test_a_disk_without_the_room_to_be_left_free_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match="ODEM_MIN_FREE_BYTES"):
        FileBlobStore(tmp_path, min_free=1 << 60).create()


def test_a_claimed_size_occupies_one_step_ahead_of_what_has_arrived(tmp_path: Path) -> None:
    writer = FileBlobStore(tmp_path).create()
    writer.reserve(2 << 30)
    (file,) = (tmp_path / "uploads").iterdir()
    occupied = file.stat().st_blocks * 512
    assert occupied <= 65 << 20
    writer.write(bytes(48 << 20))
    assert occupied < file.stat().st_blocks * 512 <= 113 << 20
    writer.abort()
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_file_too_large_for_the_disk_is_refused_before_its_bytes(tmp_path: Path) -> None:
    writer = FileBlobStore(tmp_path).create()
    status = os.statvfs(tmp_path)
    with pytest.raises(StorageFull):
        writer.reserve(status.f_bavail * status.f_frsize + (1 << 40))
    writer.abort()
    assert list((tmp_path / "uploads").iterdir()) == []


def test_the_system_s_word_for_a_full_disk_is_translated(tmp_path: Path) -> None:
    """/dev/full answers every write with ENOSPC, as a full disk does."""
    writer = FileBlobStore(tmp_path).create()
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, writer._file)
    os.close(full)
    with pytest.raises(StorageFull) as caught:
        writer.write(b"x")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    writer.abort()


def test_the_disk_is_set_to_work_on_all_bytes_in_turn_before_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[int, int]] = []

    def begin(file: int, start: int, stop: int) -> None:
        begin_writing(file, start, stop)
        begun.append((start, stop))

    monkeypatch.setattr(writer_module, "begin_writing", begin)
    piece = os.urandom(7 << 20)
    digest = _put(FileBlobStore(tmp_path), *[piece] * 8)
    assert digest == "sha256:" + hashlib.sha256(piece * 8).hexdigest()
    assert [start for start, _ in begun] == [0, *(stop for _, stop in begun[:-1])]
    assert len(piece) * 8 - begun[-1][1] < 16 << 20
