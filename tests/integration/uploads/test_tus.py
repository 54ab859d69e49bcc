"""Resumable uploads with tus 1.0, from a client's side. Source: https://tus.io/protocols/resumable-upload."""

import base64
import hashlib
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.integration.uploads.conftest import FILE

_TUS = {"Tus-Resumable": "1.0.0"}
_CHUNK_HEADERS = _TUS | {"Content-Type": "application/offset+octet-stream"}
_DIGEST = f"sha256:{hashlib.sha256(FILE).hexdigest()}"
_LENGTH = str(len(FILE))


def _create(http: TestClient, length: str = _LENGTH, **headers: str) -> str:
    response = http.post("/uploads", headers=_TUS | {"Upload-Length": length} | headers)
    assert response.status_code == 201, response.text
    return response.headers["location"]


def _patch(http: TestClient, url: str, offset: int, data: bytes, **headers: str) -> httpx.Response:
    return http.patch(url, content=data, headers=_CHUNK_HEADERS | {"Upload-Offset": str(offset)} | headers)


def _offset(http: TestClient, url: str) -> int:
    response = http.head(url, headers=_TUS)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["upload-length"] == _LENGTH
    return int(response.headers["upload-offset"])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_every_response_names_the_tus_version(http: TestClient) -> None:
    for method, path in (("OPTIONS", "/uploads"), ("HEAD", "/uploads/x"), ("PUT", "/uploads"), ("POST", "/uploads")):
        assert http.request(method, path).headers["tus-resumable"] == "1.0.0"
    assert "tus-resumable" not in http.get("/healthz").headers


def test_options_lists_version_extensions_and_limits(http: TestClient) -> None:
    response = http.options("/uploads")
    assert response.status_code == 204
    assert response.headers["tus-version"] == "1.0.0"
    extensions = set(response.headers["tus-extension"].split(","))
    assert extensions == {"creation", "creation-with-upload", "termination", "checksum", "expiration"}
    assert "sha1" in response.headers["tus-checksum-algorithm"]
    assert int(response.headers["tus-max-size"]) > 1 << 30


def test_an_upload_in_several_requests_becomes_a_blob(http: TestClient) -> None:
    url = _create(http)
    assert _offset(http, url) == 0
    for start in range(0, len(FILE), 70_000):
        assert http.get(url).json()["digest"] is None
        response = _patch(http, url, start, FILE[start : start + 70_000])
        assert response.status_code == 204, response.text
        assert int(response.headers["upload-offset"]) == min(start + 70_000, len(FILE)) == _offset(http, url)
        assert "GMT" in response.headers["upload-expires"]
    assert response.headers["upload-blob"] == _DIGEST
    assert response.headers["repr-digest"] == f"sha-256=:{_base64(hashlib.sha256(FILE).digest())}:"
    assert http.get(url).json()["digest"] == _DIGEST
    assert http.head(f"/blobs/{_DIGEST}").status_code == 200


def test_creation_may_include_the_first_bytes(http: TestClient) -> None:
    response = http.post("/uploads", content=FILE[:5000], headers=_CHUNK_HEADERS | {"Upload-Length": _LENGTH})
    assert (response.status_code, response.headers["upload-offset"]) == (201, "5000")
    assert _patch(http, response.headers["location"], 5000, FILE[5000:]).headers["upload-blob"] == _DIGEST
    whole = http.post("/uploads", content=FILE, headers=_CHUNK_HEADERS | {"Upload-Length": _LENGTH})
    assert (whole.status_code, whole.headers["upload-blob"]) == (201, _DIGEST)


def test_a_deleted_upload_is_gone_and_its_blob_stays(http: TestClient, tmp_path: Path) -> None:
    url = _create(http)
    _patch(http, url, 0, FILE[:1000])
    assert http.delete(url, headers=_TUS).status_code == 204
    assert http.head(url, headers=_TUS).status_code == 404
    assert list((tmp_path / "resumable").glob("*/*")) == []
    done = _create(http)
    _patch(http, done, 0, FILE)
    assert http.delete(done, headers=_TUS).status_code == 204
    assert http.head(f"/blobs/{_DIGEST}").status_code == 200


def test_post_overrides_the_method(http: TestClient) -> None:
    url = _create(http)
    headers = _CHUNK_HEADERS | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert http.post(url, content=FILE[:10], headers=headers).headers["upload-offset"] == "10"
    assert http.post(url, headers=_TUS | {"X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert http.post(url, headers=_TUS).status_code == 405


def test_an_empty_patch_at_the_end_of_a_complete_upload_succeeds(http: TestClient) -> None:
    url = _create(http)
    _patch(http, url, 0, FILE)
    again = _patch(http, url, len(FILE), b"")
    assert (again.status_code, again.headers["upload-blob"]) == (204, _DIGEST)
    assert _patch(http, url, 0, FILE).status_code == 409


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_chunk_is_stored_only_if_its_checksum_matches(http: TestClient, algorithm: str) -> None:
    url = _create(http)
    chunk = FILE[:3000]
    right = {"Upload-Checksum": f"{algorithm} {_base64(hashlib.new(algorithm, chunk).digest())}"}
    damaged = b"\0" * 3000
    response = _patch(http, url, 0, damaged, **right)
    assert (response.status_code, response.json()["type"]) == (460, "/problems/checksum-mismatch")
    assert _offset(http, url) == 0
    assert _patch(http, url, 0, chunk, **right).headers["upload-offset"] == "3000"
    assert _patch(http, url, 3000, FILE[3000:]).headers["upload-blob"] == _DIGEST


def test_content_digest_may_replace_upload_checksum(http: TestClient) -> None:
    url = _create(http)
    right = {"Content-Digest": f"sha-256=:{_base64(hashlib.sha256(FILE[:3000]).digest())}:"}
    assert _patch(http, url, 0, FILE[:2999] + b"x", **right).status_code == 460
    assert _patch(http, url, 0, FILE[:3000], **right).headers["upload-offset"] == "3000"


def test_an_upload_that_does_not_match_its_sha256_is_deleted(http: TestClient) -> None:
    for promised, status in ((_DIGEST[7:], 204), ("0" * 64, 422)):
        url = _create(http, **{"Upload-Metadata": f"filename eA==,sha256 {_base64(promised.encode())}"})
        assert http.head(url, headers=_TUS).headers["upload-metadata"].startswith("filename eA==")
        _patch(http, url, 0, FILE[:9])
        response = _patch(http, url, 9, FILE[9:])
        assert response.status_code == status, response.text
    assert response.json()["type"] == "/problems/digest-mismatch"
    assert http.head(url, headers=_TUS).status_code == 404


_CREATIONS: dict[str, tuple[dict[str, str], int, str, str]] = {
    "no version": ({"Tus-Resumable": ""}, 412, "tus-version", "Tus-Resumable: 1.0.0"),
    "another version": ({"Tus-Resumable": "0.2.2"}, 412, "tus-version", "'0.2.2'"),
    "no length": ({"Upload-Length": ""}, 400, "malformed-upload", "Upload-Length"),
    "a negative length": ({"Upload-Length": "-5"}, 400, "malformed-upload", "'-5'"),
    "a length with an underscore": ({"Upload-Length": "1_000"}, 400, "malformed-upload", "Upload-Length"),
    "a length of 30 digits": ({"Upload-Length": "9" * 30}, 400, "malformed-upload", "Upload-Length"),
    "too large": ({"Upload-Length": str(1 << 40)}, 413, "too-large", "ODEM_MAX_UPLOAD_BYTES"),
    "an empty file": ({"Upload-Length": "0"}, 422, "not-safetensors", "empty upload"),
    "malformed metadata": ({"Upload-Metadata": "name ???"}, 400, "malformed-upload", "'name'"),
    "metadata that is too long": ({"Upload-Metadata": "a" * 9000}, 400, "malformed-upload", "8192"),
    "a malformed digest": ({"Upload-Metadata": "sha256 eA=="}, 400, "malformed-upload", "sha256"),
}


@pytest.mark.parametrize("case", _CREATIONS)
def test_a_refused_creation_stores_nothing(http: TestClient, tmp_path: Path, case: str) -> None:
    headers, status, kind, word = _CREATIONS[case]
    response = http.post("/uploads", headers=_TUS | {"Upload-Length": _LENGTH} | headers)
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{kind}"), response.text
    assert word in response.json()["detail"]
    assert response.headers["tus-resumable"] == "1.0.0"
    assert list((tmp_path / "resumable").glob("*/*")) == []


_CHUNKS: dict[str, tuple[int, bytes, dict[str, str], int, str]] = {
    "an offset before the stored one": (500, b"x", {}, 409, "offset-mismatch"),
    "an offset after the stored one": (2000, b"x", {}, 409, "offset-mismatch"),
    "no offset": (1000, b"x", {"Upload-Offset": "x"}, 400, "malformed-upload"),
    "another media type": (1000, b"x", {"Content-Type": "text/plain"}, 415, "media-type-unsupported"),
    "compressed": (1000, b"x", {"Content-Encoding": "gzip"}, 415, "encoding-unsupported"),
    "no version": (1000, b"x", {"Tus-Resumable": "2"}, 412, "tus-version"),
    "more than announced": (1000, FILE, {}, 400, "malformed-upload"),
    "an unknown checksum": (1000, b"x", {"Upload-Checksum": "crc32 AAAA"}, 400, "malformed-upload"),
    "a malformed checksum": (1000, b"x", {"Upload-Checksum": "sha1 ?"}, 400, "malformed-upload"),
    "a short checksum": (1000, b"x", {"Upload-Checksum": "sha1 AAAA"}, 400, "malformed-upload"),
}


@pytest.mark.parametrize("case", _CHUNKS)
def test_a_refused_chunk_changes_nothing(http: TestClient, case: str) -> None:
    offset, data, headers, status, kind = _CHUNKS[case]
    url = _create(http)
    assert _patch(http, url, 0, FILE[:1000]).status_code == 204
    response = _patch(http, url, offset, data, **headers)
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{kind}"), response.text
    assert response.headers["tus-resumable"] == "1.0.0"
    assert _offset(http, url) == 1000
    assert _patch(http, url, 1000, FILE[1000:]).headers["upload-blob"] == _DIGEST


@pytest.mark.parametrize(
    ("data", "length", "kind"),
    [
        (b"PK\x03\x04" + bytes(100), 104, "pickle-refused"),
        (b"\xff" * 100, 100, "not-safetensors"),
        (FILE[:-4], len(FILE) - 4, "not-safetensors"),
        (FILE + b"more", len(FILE) + 4, "not-safetensors"),
        (FILE[:7], 7, "not-safetensors"),
    ],
    ids=["a zip", "noise", "truncated", "too long", "seven bytes"],
)
def test_a_file_that_is_not_safetensors_is_refused_at_its_header_and_deleted(
    http: TestClient, tmp_path: Path, data: bytes, length: int, kind: str
) -> None:
    url = _create(http, str(length))
    for start in range(0, len(data), 200_000):
        response = _patch(http, url, start, data[start : start + 200_000])
        if response.status_code != 204:
            break
    assert (response.status_code, response.json()["type"]) == (422, f"/problems/{kind}")
    assert start == 0, "the first chunk contains the header"
    assert http.head(url, headers=_TUS).status_code == 404
    assert list((tmp_path / "resumable").glob("*/*")) == []


def test_open_uploads_and_bodies_share_one_limit(http: TestClient) -> None:
    urls = [_create(http) for _ in range(3)]
    for path, headers in (("/uploads", _TUS | {"Upload-Length": _LENGTH}), ("/blobs", {})):
        response = http.post(path, content=b"" if path == "/uploads" else FILE, headers=headers)
        assert (response.status_code, response.json()["type"]) == (429, "/problems/too-many-uploads"), path
    http.delete(urls[0], headers=_TUS)
    assert http.post("/blobs", content=FILE).status_code == 201
