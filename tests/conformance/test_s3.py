"""What a bucket is for beyond what every blob store does: several machines, a cache with a limit, nothing half sent."""

import hashlib
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.base_record import now
from registry.blobs.s3 import S3BlobStore
from registry.blobs.s3_client import Bucket
from registry.blobs.uploads import FileUploads
from registry.errors import BlobNotFound, InvalidInput, StoreUnavailable
from registry.upload import Upload
from tests.conformance.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

Machine = Callable[..., S3BlobStore]


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    return Bucket(s3_server.url(uuid.uuid4().hex), ACCESS_KEY, SECRET_KEY)


@pytest.fixture
def machine(bucket: Bucket, tmp_path: Path) -> Machine:
    """Make stores of several machines over one bucket, each with a folder of its own."""

    def make(name: str, cache_bytes: int = 1 << 40) -> S3BlobStore:
        return S3BlobStore(bucket, tmp_path / name, cache_bytes=cache_bytes)

    return make


def _put(store: S3BlobStore, data: bytes) -> str:
    writer = store.create()
    writer.write(data)
    return writer.commit().digest


def _copies(folder: Path) -> set[str]:
    return {f"sha256:{path.name}" for path in (folder / "blobs" / "sha256").glob("*/*")}


def _age(store: S3BlobStore, digest: str, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(store.path(digest), (moment, moment))


def test_a_blob_sent_by_one_machine_is_readable_on_another(machine: Machine, tmp_path: Path) -> None:
    digest = _put(machine("a"), b"hello")
    other = machine("b")
    assert _copies(tmp_path / "b") == set()
    assert other.path(digest).read_bytes() == b"hello"
    assert _copies(tmp_path / "b") == {digest}


def test_a_file_of_several_parts_arrives_byte_for_byte(machine: Machine) -> None:
    data = os.urandom(40 << 20)
    digest = _put(machine("a"), data)
    assert digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert machine("b").path(digest).read_bytes() == data


def test_a_full_cache_evicts_the_least_recently_used_file_and_a_mapping_of_it_stays_readable(
    machine: Machine, tmp_path: Path
) -> None:
    store = machine("a", cache_bytes=2500)
    first, second = _put(store, b"1" * 1000), _put(store, b"2" * 1000)
    _age(store, first, 7200)
    _age(store, second, 3600)
    with store.path(second).open("rb") as held:
        _age(store, first, 1800)
        _age(store, second, 3600)
        third = _put(store, b"3" * 1000)
        assert _copies(tmp_path / "a") == {first, third}
        assert held.read() == b"2" * 1000
    assert store.path(second).read_bytes() == b"2" * 1000, "it is fetched again"


def test_copies_just_requested_are_kept_in_a_full_cache(machine: Machine, tmp_path: Path) -> None:
    store = machine("a", cache_bytes=0)
    digests = {_put(store, data) for data in (b"a", b"b")}
    assert _copies(tmp_path / "a") == digests


def test_bytes_that_the_bucket_has_changed_are_not_handed_out(machine: Machine, bucket: Bucket, tmp_path: Path) -> None:
    digest = _put(machine("a"), b"right")
    bucket.put(f"blobs/sha256/{digest[7:9]}/{digest[7:]}", b"wrong")
    with pytest.raises(StoreUnavailable, match="is damaged in the bucket"):
        machine("b").path(digest)
    assert _copies(tmp_path / "b") == set()
    assert list((tmp_path / "b" / "uploads").iterdir()) == []


def test_while_a_blob_is_being_deleted_naming_it_fails_and_sending_it_waits(machine: Machine, bucket: Bucket) -> None:
    digest = _put(machine("a"), b"x")
    store = machine("b")
    bucket.put(f"leaving/{digest[7:]}", b"")
    with pytest.raises(BlobNotFound):
        store.touch(digest)
    store.forget_interrupted()
    assert store.touch(digest).size == 1
    assert store.delete(digest, time.time() - 3600) is None, "it was named just now"
    assert bucket.head(f"leaving/{digest[7:]}") is None


def test_a_blob_is_stored_only_once_the_bucket_has_it(s3_server: S3Server, machine: Machine, tmp_path: Path) -> None:
    store = machine("a")
    writer = store.create()
    writer.write(b"x")
    s3_server.kill()
    try:
        with pytest.raises(StoreUnavailable):
            writer.commit()
        writer.abort()
        assert _copies(tmp_path / "a") == set()
    finally:
        s3_server.start()
    assert store.get(_put(store, b"x")).size == 1


def test_a_resumable_upload_ends_in_the_bucket(machine: Machine, tmp_path: Path) -> None:
    store = machine("a")
    uploads = FileUploads(tmp_path / "a", upload_copy=store.upload_copy)
    upload = uploads.create(Upload(id=uuid.uuid4().hex, length=4, owner="", expires_at=now(), created_at=now()), 5)
    writer = uploads.open(upload.id, 0)
    writer.write(b"abcd")
    digest = writer.commit().digest
    assert machine("b").path(digest).read_bytes() == b"abcd"


@pytest.mark.parametrize("url", ["", "s3://", "https://host/bucket", "s3://b?endpiont=x", "file:///b"])
def test_a_url_that_names_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="s3://bucket/prefix"):
        Bucket(url)


def test_a_missing_bucket_is_reported(s3_server: S3Server) -> None:
    url = s3_server.url("x").replace("s3://odem/", "s3://nowhere/")
    with pytest.raises(StoreUnavailable, match="bucket does not exist"):
        Bucket(url, ACCESS_KEY, SECRET_KEY).put("a", b"")
