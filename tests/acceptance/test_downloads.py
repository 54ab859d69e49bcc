"""A version's weights over HTTP: named by their sha256, in ranges, only when they are wanted."""

import base64
import hashlib
from collections.abc import Callable

import pytest

from tests.acceptance.api import SAFETENSORS, Api
from tests.acceptance.material import Material

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(material: Material, lineage: Callable[..., str]) -> bytes:
    """Return the bytes of `served@0`, as they were sent."""
    lineage("served")
    return material.base.read_bytes()


URL = "/models/served@0/weights"


def test_the_etag_is_the_sha256_of_the_bytes(api: Api, whole: bytes) -> None:
    response = api.http.get(URL)
    digest = f"sha256:{hashlib.sha256(whole).hexdigest()}"
    assert response.content == whole
    assert response.headers["etag"] == f'"{digest}"'
    assert response.headers["content-type"] == SAFETENSORS
    assert response.headers["content-length"] == str(len(whole))
    assert "immutable" in response.headers["cache-control"]
    assert api.version("served@0")["weights"] == digest


def test_a_moving_alias_is_revalidated_and_names_its_version(api: Api, whole: bytes) -> None:
    response = api.http.get("/models/served@latest/weights")
    assert response.content == whole
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["content-location"] == URL


def test_head_returns_size_and_etag_without_a_body(api: Api, whole: bytes) -> None:
    response = api.http.head(URL)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(whole))
    assert response.headers["etag"] == api.http.get(URL).headers["etag"]


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("100-199", 100, 200), ("-64", -64, None), ("4096-", 4096, None), ("0-0", 0, 1)]
)
def test_a_range_is_those_bytes(api: Api, whole: bytes, asked: str, start: int, end: int | None) -> None:
    response = api.http.get(URL, headers={"Range": f"bytes={asked}"})
    assert response.status_code == 206
    assert response.content == whole[start:end]
    first = start % len(whole)
    assert response.headers["content-range"] == f"bytes {first}-{first + len(response.content) - 1}/{len(whole)}"


def test_a_range_past_the_end_is_416(api: Api, whole: bytes) -> None:
    response = api.http.get(URL, headers={"Range": f"bytes={len(whole)}-"})
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(whole)}"
    assert response.headers["content-type"] == "application/problem+json"


def test_if_range_resumes_only_unchanged_bytes(api: Api, whole: bytes) -> None:
    etag = api.http.get(URL).headers["etag"]
    same = api.http.get(URL, headers={"Range": "bytes=10-19", "If-Range": etag})
    assert (same.status_code, same.content) == (206, whole[10:20])
    other = api.http.get(URL, headers={"Range": "bytes=10-19", "If-Range": '"sha256:0"'})
    assert (other.status_code, other.content) == (200, whole)


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes", "bytes=abc", "bytes=5-2", "", "bytes=-"])
def test_an_unusable_range_is_ignored(api: Api, whole: bytes, asked: str) -> None:
    response = api.http.get(URL, headers={"Range": asked})
    assert (response.status_code, response.content) == (200, whole)


def test_several_ranges_return_multipart_byteranges(api: Api, whole: bytes) -> None:
    response = api.http.get(URL, headers={"Range": "bytes=0-9,20-29"})
    assert response.status_code == 206
    assert response.headers["content-type"].startswith("multipart/byteranges")
    assert whole[:10] in response.content
    assert whole[20:30] in response.content


def test_repr_digest_is_that_of_the_whole_file_also_beside_a_part_of_it(api: Api, whole: bytes) -> None:
    digest = base64.b64encode(hashlib.sha256(whole).digest()).decode()
    for response in (api.http.get(URL), api.http.head(URL), api.http.get(URL, headers={"Range": "bytes=1-2"})):
        assert response.headers["repr-digest"] == f"sha-256=:{digest}:"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_partial_download_of_other_bytes_is_not_resumed(api: Api, whole: bytes, method: str) -> None:
    etag = api.http.get(URL).headers["etag"]
    for condition, status in ((etag, 206), (f'"x", {etag}', 206), ("*", 206), ('"sha256:0"', 412), (f"W/{etag}", 412)):
        response = api.http.request(method, URL, headers={"If-Match": condition, "Range": "bytes=10-19"})
        assert response.status_code == status, condition
    assert response.headers["content-type"] == "application/problem+json"
    assert api.http.get(URL, headers={"If-Match": etag}).content == whole


@pytest.mark.usefixtures("whole")
def test_moving_names_tell_which_version_they_mean_for_records_too(api: Api) -> None:
    for rest in ("", "/open_clip_config.json", "/weights"):
        response = api.http.get(f"/models/served@latest{rest}")
        assert response.headers["content-location"] == f"/models/served@0{rest}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.usefixtures("whole")
def test_who_has_the_bytes_is_not_sent_them_again(api: Api, method: str) -> None:
    etag = api.http.get(URL).headers["etag"]
    for condition in (etag, f'"sha256:0", {etag}', f"W/{etag}", "*"):
        response = api.http.request(method, URL, headers={"If-None-Match": condition})
        assert (response.status_code, response.content) == (304, b""), condition
        assert response.headers["etag"] == etag
    assert api.http.request(method, URL, headers={"If-None-Match": '"sha256:0"'}).status_code == 200


@pytest.mark.usefixtures("whole")
def test_an_uploaded_blob_is_found_by_its_digest(api: Api) -> None:
    digest = api.version("served@0")["weights"]
    response = api.http.head(f"/blobs/{digest}")
    assert (response.status_code, response.headers["etag"]) == (200, f'"{digest}"')
    assert api.http.head(f"/blobs/sha256:{'0' * 64}").status_code == 404
