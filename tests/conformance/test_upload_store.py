"""What every store of resumable uploads must do, whatever dies in between."""

import contextlib
import hashlib
import json
import os
import secrets
from datetime import timedelta
from pathlib import Path

import pytest

from registry.base_record import now
from registry.blobs.files import FileBlobStore
from registry.blobs.uploads import FileUploads
from registry.blobs.writer import FileBlobWriter
from registry.errors import DigestMismatch, OffsetMismatch, StorageFull, TooManyUploads, UploadBusy, UploadNotFound
from registry.upload import Upload

_BYTES = bytes(range(256)) * 40
_DIGEST = f"sha256:{hashlib.sha256(_BYTES).hexdigest()}"


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobStore:
    return FileBlobStore(tmp_path)


@pytest.fixture
def uploads(tmp_path: Path) -> FileUploads:
    return FileUploads(tmp_path)


def _upload(uploads: FileUploads, owner: str = "", length: int = len(_BYTES)) -> str:
    fresh = Upload(id=secrets.token_hex(16), owner=owner, length=length, created_at=now(), expires_at=now())
    return uploads.create(fresh, limit=3).id


def _send(uploads: FileUploads, name: str, start: int, end: int) -> None:
    writer = uploads.open(name, start)
    writer.write(_BYTES[start:end])
    if end == len(_BYTES):
        writer.commit()
    else:
        writer.pause()


@pytest.mark.parametrize("cuts", [[], [1], [5000], [8, 4096, 10_239], list(range(500, 10_000, 500))])
@pytest.mark.parametrize("restarts", [False, True])
def test_pieces_become_the_blob_that_the_whole_would_be(
    tmp_path: Path, blobs: FileBlobStore, cuts: list[int], restarts: bool
) -> None:
    uploads = FileUploads(tmp_path)
    name = _upload(uploads)
    for start, end in zip([0, *cuts], [*cuts, len(_BYTES)], strict=True):
        uploads = FileUploads(tmp_path) if restarts else uploads
        assert uploads.get(name).offset == start
        _send(uploads, name, start, end)
    done = uploads.get(name)
    assert (done.done, done.digest) == (True, _DIGEST)
    assert blobs.path(_DIGEST).read_bytes() == _BYTES


def test_a_paused_upload_occupies_what_has_arrived_and_no_more(tmp_path: Path, uploads: FileUploads) -> None:
    name = _upload(uploads, length=1 << 30)
    writer = uploads.open(name, 0)
    writer.reserve(1 << 30)
    writer.write(_BYTES)
    writer.pause()
    (data,) = tmp_path.rglob("data")
    assert data.stat().st_size == len(_BYTES)
    assert data.stat().st_blocks * 512 < 1 << 20


def test_bytes_beyond_the_last_checkpoint_of_a_dead_writer_are_sent_again_and_not_doubled(
    tmp_path: Path, blobs: FileBlobStore
) -> None:
    before = FileUploads(tmp_path)
    name = _upload(before)
    _send(before, name, 0, 1000)
    dead = before.open(name, 1000)
    dead.write(b"\xff" * 4000)
    os.close(dead._file)  # as its process's death does
    after = FileUploads(tmp_path)
    assert after.get(name).offset == 1000
    _send(after, name, 1000, len(_BYTES))
    assert blobs.path(_DIGEST).read_bytes() == _BYTES


def test_long_pieces_have_checkpoints_on_the_way(
    uploads: FileUploads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.blobs.uploads._BETWEEN_BYTES", 1000)
    name = _upload(uploads)
    writer = uploads.open(name, 0)
    for start in range(0, 3000, 500):
        writer.write(_BYTES[start : start + 500])
    assert FileUploads(tmp_path).get(name).offset == 3000
    writer.pause()


@pytest.mark.parametrize("step", ["_publish", "sync_folder"])
def test_a_death_in_the_commit_leaves_the_whole_blob_or_an_upload_to_go_on_with(
    tmp_path: Path, blobs: FileBlobStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Dies before the bytes are named, or after and before the record says so."""
    uploads = FileUploads(tmp_path)
    name = _upload(uploads)
    _send(uploads, name, 0, 4000)
    writer = uploads.open(name, 4000)
    writer.write(_BYTES[4000:])

    class DeathError(Exception):
        pass

    publish = FileBlobWriter._publish

    def die(self: FileBlobWriter, digest: str) -> None:
        if step != "_publish":
            publish(self, digest)
        raise DeathError

    with monkeypatch.context() as patched:
        patched.setattr(FileBlobWriter, "_publish", die)
        with pytest.raises(DeathError):
            writer.commit()
    os.close(writer._file)

    after = FileUploads(tmp_path)
    if step == "_publish":
        assert not after.get(name).done
        _send(after, name, after.get(name).offset, len(_BYTES))
    assert (after.get(name).done, after.get(name).digest) == (True, _DIGEST)
    assert blobs.path(_DIGEST).read_bytes() == _BYTES


def test_a_commit_that_was_cut_off_after_the_file_was_made_read_only_can_be_repeated(
    uploads: FileUploads, tmp_path: Path, blobs: FileBlobStore
) -> None:
    name = _upload(uploads)
    _send(uploads, name, 0, 100)
    (tmp_path / "resumable" / name / "data").chmod(0o444)
    _send(uploads, name, 100, len(_BYTES))
    assert blobs.path(_DIGEST).read_bytes() == _BYTES


def test_only_one_writes_at_a_time_also_from_another_process_s_view(uploads: FileUploads, tmp_path: Path) -> None:
    name = _upload(uploads)
    writer = uploads.open(name, 0)
    for store in (uploads, FileUploads(tmp_path)):
        with pytest.raises(UploadBusy):
            store.open(name, 0)
        with pytest.raises(UploadBusy):
            store.delete(name)
    writer.write(_BYTES[:10])
    writer.pause()
    uploads.open(name, 10).pause()


@pytest.mark.parametrize("asked", [0, 99, 101, len(_BYTES)])
def test_bytes_for_another_offset_are_refused(uploads: FileUploads, asked: int) -> None:
    name = _upload(uploads)
    _send(uploads, name, 0, 100)
    with pytest.raises(OffsetMismatch) as caught:
        uploads.open(name, asked)
    assert caught.value.offset == 100


def test_a_piece_that_is_rewound_never_was(uploads: FileUploads, blobs: FileBlobStore) -> None:
    name = _upload(uploads)
    _send(uploads, name, 0, 100)
    writer = uploads.open(name, 100, checkpoints=False)
    writer.write(b"\0" * 5000)
    writer.rewind()
    assert uploads.get(name).offset == 100
    _send(uploads, name, 100, len(_BYTES))
    assert blobs.path(_DIGEST).read_bytes() == _BYTES


def test_an_upload_is_complete_only_as_a_blob(uploads: FileUploads, tmp_path: Path, blobs: FileBlobStore) -> None:
    """Paused after the last byte and before the commit, its last byte is asked for again."""
    name = _upload(uploads)
    writer = uploads.open(name, 0)
    writer.write(_BYTES)
    writer.pause()
    after = FileUploads(tmp_path)
    assert (after.get(name).done, after.get(name).offset) == (False, len(_BYTES) - 1)
    _send(after, name, len(_BYTES) - 1, len(_BYTES))
    assert blobs.path(_DIGEST).read_bytes() == _BYTES


def test_a_wrong_digest_deletes_the_upload(uploads: FileUploads, tmp_path: Path) -> None:
    name = _upload(uploads)
    writer = uploads.open(name, 0)
    writer.write(_BYTES)
    with pytest.raises(DigestMismatch):
        writer.commit(f"sha256:{'0' * 64}")
    with pytest.raises(UploadNotFound):
        uploads.get(name)
    assert [file for file in tmp_path.rglob("*") if file.is_file() and file.name != "lock"] == []


def test_an_owner_has_so_many_open_and_no_more(uploads: FileUploads) -> None:
    names = [_upload(uploads, "a") for _ in range(3)]
    _upload(uploads, "b")
    with pytest.raises(TooManyUploads, match="ODEM_MAX_OPEN_UPLOADS"):
        _upload(uploads, "a")
    _send(uploads, names[0], 0, len(_BYTES))
    uploads.delete(names[1])
    assert uploads.count("a") == 1
    _upload(uploads, "a")


@pytest.mark.parametrize("name", ["", "../x", "A" * 32, "0" * 32, "0" * 31])
def test_names_that_no_upload_has_are_not_found(uploads: FileUploads, name: str) -> None:
    for ask in (uploads.get, uploads.delete, lambda missing: uploads.open(missing, 0)):
        with pytest.raises(UploadNotFound):
            ask(name)


def test_an_expired_upload_is_gone_at_once_and_its_bytes_are_collected(tmp_path: Path) -> None:
    brief = FileUploads(tmp_path, lifetime=0.0)
    lasting = FileUploads(tmp_path)
    gone, kept = _upload(brief), _upload(lasting)
    with pytest.raises(UploadNotFound):
        lasting.get(gone)
    assert lasting.expire() == [(gone, 0)]
    assert lasting.get(kept).offset == 0
    assert not (tmp_path / "resumable" / gone).exists()


def test_an_expired_upload_that_is_being_written_is_spared(tmp_path: Path) -> None:
    uploads = FileUploads(tmp_path)
    name = _upload(uploads)
    writer = uploads.open(name, 0)
    record = tmp_path / "resumable" / name / "record.json"
    old = json.loads(record.read_text()) | {"expires_at": (now() - timedelta(days=2)).isoformat()}
    record.write_text(json.dumps(old))
    assert uploads.expire() == []
    writer.pause()
    assert uploads.get(name).offset == 0


def test_files_left_incomplete_by_a_crash_are_collected_when_old(tmp_path: Path) -> None:
    uploads = FileUploads(tmp_path)
    half = tmp_path / "resumable" / secrets.token_hex(16)
    half.mkdir()
    (half / "data").write_bytes(b"x")
    assert uploads.expire() == []
    os.utime(half, (1, 1))
    assert uploads.expire() == [(half.name, 1)]
    assert not half.exists()


def test_an_upload_too_large_for_the_disk_is_refused_before_its_bytes(uploads: FileUploads, tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    with pytest.raises(StorageFull, match="ODEM_MIN_FREE_BYTES"):
        _upload(uploads, length=status.f_bavail * status.f_frsize + (1 << 40))
    assert list((tmp_path / "resumable").iterdir()) == []


def test_a_repeated_end_has_no_effect(uploads: FileUploads) -> None:
    name = _upload(uploads)
    writer = uploads.open(name, 0)
    writer.write(_BYTES)
    writer.commit()
    writer.pause()
    writer.rewind()
    writer.abort()
    assert uploads.get(name).done
    with contextlib.suppress(UploadNotFound):
        uploads.delete(name)
